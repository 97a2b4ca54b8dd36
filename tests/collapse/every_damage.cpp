// Recordings damaged in every way there is, one after the other; prints TAP.
//
//     every_damage [--fold] [--small] RECORDING|DIRECTORY...
//
// Of a directory, all recordings below it; --small leaves out those of more than 8 KB.
// Cut at every byte: exactly the samples before the cut are delivered. Every number set to eleven
// others, every bit of the first 4 KiB and of all record headers flipped: no harm is done (the
// sanitizers watch), and not more memory is needed than a small recording may take. --fold takes
// them through the whole tool, else they are read and decoded. Of recordings of more than 8 KB,
// numbers and cuts are those of the header, of the features, and of some records of each type.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collapse/fold.h"
#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "perfdata/record_framing.h"
#include "support/stride.h"

using namespace fgread;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t small = 8192;  // of which every byte has its turn
constexpr std::size_t flipped_bytes = 4096;
constexpr unsigned records_of_type = 3;        // of a larger recording
constexpr std::size_t places_of_record = 256;  // from its start
constexpr std::uint64_t memory_base = 64 << 20;
constexpr std::uint64_t memory_per_byte = 8;

struct Delivered {
    bool opened = false;
    std::vector<std::uint64_t> samples;  // a hash of each
    std::vector<std::uint64_t> ends;     // where each ends in the file
};

std::uint64_t hash_of(const SampleView& sample) {
    std::uint64_t hash = sample.ip.value;
    const auto add = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3; };
    for (const std::uint64_t word : {sample.time.value, sample.period, sample.id, sample.addr}) {
        add(word);
    }
    add(static_cast<std::uint32_t>(sample.tid.value));
    for (std::size_t i = 0; i < sample.callchain.size(); ++i) add(sample.callchain[i]);
    for (std::size_t i = 0; i < sample.user_regs.values.size(); ++i) {
        add(sample.user_regs.values[i]);
    }
    for (const std::byte byte : sample.user_stack) add(std::to_integer<std::uint64_t>(byte));
    return hash;
}

Delivered read(ByteView bytes) {
    Delivered delivered;
    Diagnostics diagnostics;
    const auto file = PerfFile::open_memory(bytes, "damaged", diagnostics);
    if (!file) return delivered;
    delivered.opened = true;
    auto scan = file->scan(diagnostics);
    if (!scan) std::abort();
    std::vector<std::byte> buffer;
    do {
        for (const Chunk& chunk : scan->chunks) {
            const auto part = file->read_chunk(chunk, buffer);
            if (!part) std::abort();
            RecordCursor records = file->records(chunk, *part);
            while (const auto record = records.next()) {
                if (record->type != format::record_sample) continue;
                const auto sample = file->decode_sample(*record, diagnostics);
                if (!sample) continue;
                const EventTime when = file->event_time(*record);
                const ProcessAt process = scan->processes.process_at(sample->sample.pid, when);
                static_cast<void>(process.user->find_span(sample->sample.ip, when));
                delivered.samples.push_back(hash_of(sample->sample));
                delivered.ends.push_back(record->file_offset + format::record_header_size +
                                         record->body.size());
            }
        }
    } while (file->next_batch(*scan, diagnostics));
    return delivered;
}

std::uint64_t total(const std::string& folded) {
    std::uint64_t sum = 0;
    for (std::size_t begin = 0; begin < folded.size();) {
        const std::size_t end = folded.find('\n', begin);
        sum += std::strtoull(folded.c_str() + folded.rfind(' ', end) + 1, nullptr, 10);
        begin = end + 1;
    }
    return sum;
}

// The whole tool, which must give each sample that it counts its weight.
void fold(ByteView bytes) {
    const int descriptor = ::memfd_create("damaged", MFD_CLOEXEC);
    const auto size = static_cast<ssize_t>(bytes.size());
    if (descriptor < 0 || ::write(descriptor, bytes.data(), bytes.size()) != size) std::abort();
    FoldOptions options;
    options.aggregate.jobs = options.naming.jobs = 1;
    options.weigh_by_samples = true;
    options.event = "*";
    options.kallsyms = "/dev/null";
    std::string folded;
    const auto stats = fold_recording("/proc/self/fd/" + std::to_string(descriptor), options,
                                      [&](std::string_view text) {
                                          folded += text;
                                          return true;
                                      });
    ::close(descriptor);
    if (!stats) return;
    std::uint64_t samples = 0;
    for (const EventStats& event : stats->events) samples += event.samples;
    if (samples != total(folded)) std::abort();
}

void tell(bool passed, const std::string& name) {
    static int number = 0;
    std::printf("%s %d - %s\n", passed ? "ok" : "not ok", ++number, name.c_str());
    std::fflush(stdout);
}

// A piece of the recording whose length is what its fields may be confused with.
struct Piece {
    std::uint64_t begin = 0, end = 0, size = 0;
};

class Seed {
public:
    Seed(std::string name, Bytes bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {
        find_pieces();
    }

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }
    [[nodiscard]] bool is_small() const { return bytes_.size() <= small; }
    [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
    [[nodiscard]] const std::vector<std::uint64_t>& record_headers() const { return headers_; }

private:
    void find_pieces() {
        const ByteView view = bytes_;
        const bool little = begins_with("PERFILE2");
        if ((!little && !begins_with("2ELIFREP")) || bytes_.size() < format::file_header_size) {
            return add_piece(0, flipped_bytes, bytes_.size());  // packed
        }
        ByteReader in(view, little ? Endian::little : Endian::big);
        in.seek(8);
        if (in.u64() == format::pipe_header_size) {
            add_piece(0, format::pipe_header_size, bytes_.size());
            return add_records(format::pipe_header_size, bytes_.size(), in.endian());
        }
        in.seek(40);
        const std::uint64_t begin = in.u64();
        const std::uint64_t size = in.u64();
        const std::uint64_t end = size == 0 ? bytes_.size() : begin + size;
        add_piece(0, begin, bytes_.size());
        add_records(begin, end, in.endian());
        add_piece(end, end + flipped_bytes, bytes_.size());
    }

    [[nodiscard]] bool begins_with(const char* magic) const {
        return bytes_.size() >= 8 && std::memcmp(bytes_.data(), magic, 8) == 0;
    }
    void add_piece(std::uint64_t begin, std::uint64_t end, std::uint64_t size) {
        pieces_.push_back({begin, std::min<std::uint64_t>(end, bytes_.size()), size});
    }
    void add_records(std::uint64_t begin, std::uint64_t end, Endian endian) {
        std::map<std::uint32_t, unsigned> seen;
        end = std::min<std::uint64_t>(end, bytes_.size());
        for (std::uint64_t at = begin; at + format::record_header_size <= end;) {
            const RecordHeader header = load_record_header(bytes_.data() + at, endian);
            if (header.size < format::record_header_size || header.size > end - at) return;
            headers_.push_back(at);
            if (is_small() || seen[header.type]++ < records_of_type) {
                const std::uint64_t limit = is_small() ? header.size : places_of_record;
                add_piece(at, at + std::min<std::uint64_t>(limit, header.size), header.size);
            }
            const ByteView body = ByteView(bytes_).subspan(
                at + format::record_header_size, header.size - format::record_header_size);
            if (has_outside_bytes(header.type)) at += outside_bytes(header.type, body, endian);
            at += header.size;
        }
    }

    std::string name_;
    Bytes bytes_;
    std::vector<Piece> pieces_;
    std::vector<std::uint64_t> headers_;
};

// Where to cut: everywhere, or around the pieces.
std::vector<std::size_t> cuts_of(const Seed& seed) {
    std::vector<std::size_t> cuts;
    if (seed.is_small()) {
        for (std::size_t size = 0; size <= seed.bytes().size(); ++size) cuts.push_back(size);
        return cuts;
    }
    for (const Piece& piece : seed.pieces()) {
        for (std::uint64_t at = piece.begin; at <= piece.end; ++at) cuts.push_back(at);
    }
    for (const std::uint64_t header : seed.record_headers()) {
        for (const std::uint64_t at : {header - 1, header, header + 7}) cuts.push_back(at);
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    return cuts;
}

class Check {
public:
    explicit Check(bool folds) : folds_(folds) {}

    void run(const Seed& seed) const {
        cut(seed);
        change(seed, "every number set to eleven others", &Check::set_numbers);
        change(seed, "every bit of the head and of record headers flipped", &Check::flip_bits);
        limit_memory(seed);
    }

private:
    using Use = std::function<void(const Bytes&)>;

    void cut(const Seed& seed) const {
        const Delivered whole = read(seed.bytes());
        // Of unpacked bytes a file's place says nothing.
        const bool plain = whole.opened && !is_packed(seed.bytes());
        std::size_t inputs = 0;
        std::string wrong;
        std::size_t turn = 0;
        for (const std::size_t size : cuts_of(seed)) {
            if (turn++ % test::stride != 0) continue;
            ++inputs;
            // A copy of exactly this size, for AddressSanitizer.
            const Bytes bytes(seed.bytes().begin(),
                              seed.bytes().begin() + static_cast<std::ptrdiff_t>(size));
            if (folds_) {
                fold(bytes);
                continue;
            }
            const Delivered part = read(bytes);
            const std::size_t count = part.samples.size();
            const auto complete = static_cast<std::size_t>(
                std::count_if(whole.ends.begin(), whole.ends.end(),
                              [size](std::uint64_t end) { return end <= size; }));
            const bool right =
                count <= whole.samples.size() && (!plain || count == complete) &&
                std::equal(part.samples.begin(), part.samples.end(), whole.samples.begin());
            if (!right && wrong.empty()) wrong = ", wrong at " + std::to_string(size);
        }
        tell(wrong.empty() && inputs != 0,
             seed.name() + ": cut at every byte, " + std::to_string(inputs) + " inputs" + wrong);
    }

    static bool is_packed(const Bytes& bytes) {
        Diagnostics ignored;
        const auto file = PerfFile::open_memory(bytes, "seed", ignored);
        if (!file) return true;
        auto scan = file->scan(ignored);
        if (!scan) return true;
        while (file->next_batch(*scan, ignored)) continue;
        return scan->records_by_type[format::record_compressed] != 0 ||
               file->file_size() != bytes.size();
    }

    void change(const Seed& seed, const char* how,
                void (Check::*each)(const Seed&, const Use&) const) const {
        std::size_t inputs = 0;
        std::size_t turn = 0;
        const std::size_t most = seed.bytes().size();  // nothing decodes into more samples
        bool right = true;
        (this->*each)(seed, [&](const Bytes& bytes) {
            if (turn++ % test::stride != 0) return;
            ++inputs;
            if (folds_) {
                fold(bytes);
            } else {
                right = right && read(bytes).samples.size() <= most;
            }
        });
        tell(right && inputs != 0,
             seed.name() + ": " + how + ", " + std::to_string(inputs) + " inputs");
    }

    void set_numbers(const Seed& seed, const Use& use) const {
        Bytes bytes = seed.bytes();
        for (const Piece& piece : seed.pieces()) {
            const std::uint64_t values[] = {0,
                                            1,
                                            piece.size - 1,
                                            piece.size,
                                            piece.size + 1,
                                            1 << 15,
                                            (1 << 16) - 1,
                                            std::uint64_t{1} << 31,
                                            (std::uint64_t{1} << 32) - 1,
                                            std::uint64_t{1} << 63,
                                            ~std::uint64_t{0}};
            for (std::uint64_t at = piece.begin; at < piece.end; at += 2) {
                for (const std::uint64_t value : values) {
                    for (const unsigned width : {2U, 4U, 8U}) set(bytes, at, value, width, use);
                }
            }
        }
    }

    // Fields of 4 and 8 bytes lie at multiples of 4: those of features follow texts.
    static void set(Bytes& bytes, std::uint64_t at, std::uint64_t value, unsigned width,
                    const Use& use) {
        const bool fits = width == 8 || value >> (8 * width) == 0;
        if (!fits || at + width > bytes.size() || (width > 2 && at % 4 != 0)) return;
        const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        const Bytes before(place, place + width);
        const bool big = bytes[0] == std::byte{'2'};
        for (unsigned i = 0; i < width; ++i) {
            const unsigned shift = 8 * (big ? width - 1 - i : i);
            place[i] = static_cast<std::byte>(value >> shift);
        }
        use(bytes);
        std::copy(before.begin(), before.end(), place);
    }

    void flip_bits(const Seed& seed, const Use& use) const {
        Bytes bytes = seed.bytes();
        const auto flip = [&](std::uint64_t at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                const auto mask = static_cast<std::byte>(1U << bit);
                bytes[at] ^= mask;
                use(bytes);
                bytes[at] ^= mask;
            }
        };
        for (std::uint64_t at = 0; at < std::min(flipped_bytes, bytes.size()); ++at) flip(at);
        for (const std::uint64_t header : seed.record_headers()) {
            if (header < flipped_bytes) continue;
            for (std::uint64_t at = header; at < header + format::record_header_size; ++at) {
                flip(at);
            }
        }
    }

    // Not getrusage's, which counts what the process was that started this one.
    static std::uint64_t peak_memory() {
        std::ifstream status("/proc/self/status");
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
        }
        return 0;
    }

    // Of the whole run, so of each of its inputs. A sanitizer needs more for itself.
    static void limit_memory(const Seed& seed) {
        if (test::stride != 1) return;
        const std::uint64_t peak = peak_memory();
        tell(peak != 0 && peak < memory_base + memory_per_byte * seed.bytes().size(),
             seed.name() + ": " + std::to_string(peak >> 20) + " MiB at the most");
    }

    bool folds_;
};

Bytes file_bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    Bytes bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

bool is_recording(const Bytes& bytes) {
    return bytes.size() >= 8 && (std::memcmp(bytes.data(), "PERFILE2", 8) == 0 ||
                                 std::memcmp(bytes.data(), "2ELIFREP", 8) == 0);
}

// The peak of memory is that of all before, too: the small ones come first.
std::vector<Seed> seeds_of(const std::vector<std::string>& paths, bool small_only) {
    std::vector<Seed> seeds;
    const auto add = [&](const std::filesystem::path& path, Bytes bytes) {
        if (!small_only || bytes.size() <= small) {
            seeds.emplace_back(path.filename().string(), std::move(bytes));
        }
    };
    for (const std::string& path : paths) {
        if (!std::filesystem::is_directory(path)) {
            add(path, file_bytes(path));
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
            if (!entry.is_regular_file()) continue;
            Bytes bytes = file_bytes(entry.path());
            if (is_recording(bytes)) add(entry.path(), std::move(bytes));
        }
    }
    std::sort(seeds.begin(), seeds.end(), [](const Seed& a, const Seed& b) {
        return std::pair(a.bytes().size(), a.name()) < std::pair(b.bytes().size(), b.name());
    });
    return seeds;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> paths;
    bool folds = false, small_only = false;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        folds = folds || argument == "--fold";
        small_only = small_only || argument == "--small";
        if (!argument.starts_with("--")) paths.push_back(argument);
    }
    const std::vector<Seed> seeds = seeds_of(paths, small_only);
    const Check check(folds);
    for (const Seed& seed : seeds) check.run(seed);
    tell(!seeds.empty(), "there are recordings");
    std::printf("1..%zu\n", seeds.size() * (test::stride == 1 ? 4 : 3) + 1);
    return 0;
}
