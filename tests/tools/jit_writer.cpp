// A JIT of two functions that run at one address, one after the other, and tells perf of them by a
// jitdump with unwind information: tools/perf/Documentation/jitdump-specification.txt.
//
//   jit_writer DIRECTORY     writes DIRECTORY/jit-PID.dump, runs each function for 0.15 s of CPU
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

constexpr std::size_t page = 4096;

std::uint64_t now_ns(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

void put(Bytes& out, std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) out.push_back((value >> (8 * i)) & 0xff);
}

void put(Bytes& out, const std::string& text) {
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(0);
}

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

// push rbp; mov rbp, rsp; mov rax, rdi; then `nops`, dec rax, jnz; pop rbp; ret
Bytes code_of(unsigned nops) {
    Bytes code{0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8};
    code.insert(code.end(), nops, 0x90);
    append(code,
           {0x48, 0xff, 0xc8, 0x75, static_cast<unsigned char>(0x100 - 5 - nops), 0x5d, 0xc3});
    return code;
}

// .eh_frame for such code, at the next multiple of 8 behind it.
Bytes eh_frame_of(std::size_t code_size) {
    const std::size_t placed = (code_size + 7) & ~std::size_t{7};
    Bytes out;
    put(out, 20, 4), put(out, 0, 4);  // CIE: length, id
    append(out, {1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b});
    append(out, {0x0c, 7, 8, 0x90, 1, 0, 0});               // cfa = rsp + 8, rip at cfa - 8
    put(out, 28, 4), put(out, out.size(), 4);               // FDE: length, distance to the CIE
    put(out, std::uint64_t{0} - (placed + out.size()), 4);  // start, relative to here
    put(out, code_size, 4);
    append(out, {0, 0x41, 0x0e, 16, 0x86, 2});  // after push: cfa = rsp + 16, rbp at cfa - 16
    append(out, {0x43, 0x0d, 6});               // after mov: cfa = rbp + 16
    append(out, {0x02, static_cast<unsigned char>(code_size - 5), 0x0c, 7, 8});  // after pop
    while (out.size() < 24 + 32) out.push_back(0);
    put(out, 0, 4);
    return out;
}

// Version, encodings, where .eh_frame begins, and a table of one function.
Bytes eh_frame_hdr_of(std::size_t code_size, std::size_t eh_frame_size) {
    const std::size_t placed = (code_size + 7) & ~std::size_t{7};
    Bytes out{1, 0x1b, 0x03, 0x3b};
    put(out, std::uint64_t{0} - (eh_frame_size + 4), 4);
    put(out, 1, 4);
    put(out, std::uint64_t{0} - (placed + eh_frame_size), 4);
    put(out, std::uint64_t{0} - (eh_frame_size - 24), 4);
    return out;
}

class Dump {
public:
    explicit Dump(const std::string& directory)
        : path_(directory + "/jit-" + std::to_string(::getpid()) + ".dump"),
          file_(::open(path_.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0644)) {
        Bytes header;
        put(header, 0x4a695444, 4), put(header, 1, 4), put(header, 40, 4), put(header, 62, 4);
        put(header, 0, 4), put(header, static_cast<std::uint64_t>(::getpid()), 4);
        put(header, now_ns(CLOCK_MONOTONIC), 8), put(header, 0, 8);
        write(header);
        // How perf learns of the file: an executable mapping of it.
        mark_ = ::mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, file_, 0);
    }
    [[nodiscard]] bool ok() const { return file_ >= 0 && mark_ != MAP_FAILED && ok_; }

    void load(const std::string& name, const Bytes& code, std::uint64_t address) {
        const Bytes eh_frame = eh_frame_of(code.size());
        const Bytes header = eh_frame_hdr_of(code.size(), eh_frame.size());
        const std::size_t size = eh_frame.size() + header.size();
        Bytes unwinding;
        put(unwinding, size, 8), put(unwinding, header.size(), 8), put(unwinding, size, 8);
        append(unwinding, eh_frame), append(unwinding, header);
        record(4, unwinding);

        Bytes body;
        const auto pid = static_cast<std::uint64_t>(::getpid());
        put(body, pid, 4), put(body, pid, 4), put(body, address, 8), put(body, address, 8);
        put(body, code.size(), 8), put(body, index_++, 8), put(body, name), append(body, code);
        record(0, body);
    }

private:
    void record(std::uint32_t id, const Bytes& body) {
        Bytes whole;
        put(whole, id, 4), put(whole, 16 + body.size(), 4), put(whole, now_ns(CLOCK_MONOTONIC), 8);
        append(whole, body);
        write(whole);
    }
    void write(const Bytes& bytes) {
        ok_ =
            ok_ && ::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    }

    std::string path_;
    int file_;
    void* mark_ = MAP_FAILED;
    bool ok_ = true;
    std::uint64_t index_ = 0;
};

}  // namespace

// The caller that the unwind information must lead to.
extern "C" [[gnu::noinline]] std::uint64_t run_jitted(std::uint64_t (*function)(std::uint64_t)) {
    std::uint64_t rounds = 0;
    const std::uint64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 150'000'000;
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
        function(1'000'000);
        ++rounds;
    }
    return rounds;
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    Dump dump(argv[1]);
    void* const memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE | PROT_EXEC,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    std::uint64_t rounds = 0;
    unsigned nops = 0;
    for (const char* name : {"jitted_first", "jitted_second"}) {
        const Bytes code = code_of(nops++);
        std::copy(code.begin(), code.end(), static_cast<unsigned char*>(memory));
        dump.load(name, code, reinterpret_cast<std::uintptr_t>(memory));
        if (!dump.ok()) return 1;
        rounds += run_jitted(reinterpret_cast<std::uint64_t (*)(std::uint64_t)>(memory));
    }
    std::printf("%llu\n", static_cast<unsigned long long>(rounds));
    return 0;
}
