#include "perf_data_writer.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace truth {
namespace {

constexpr std::uint64_t magic = 0x32454c4946524550;  // "PERFILE2"
constexpr std::uint64_t header_size = 104;
constexpr std::uint32_t type_finished_round = 68;

// Feature bits of perf.data-file-format.txt.
enum Feature : unsigned {
    hostname = 3,
    os_release = 4,
    arch = 6,
    nr_cpus = 7,
    cmdline = 11,
    event_desc = 12
};
constexpr Feature written_features[] = {hostname, os_release, arch, nr_cpus, cmdline, event_desc};

class Bytes {
public:
    void raw(const void* data, std::size_t size) {
        const auto* from = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), from, from + size);
    }
    void u32(std::uint32_t value) { raw(&value, sizeof value); }
    void u64(std::uint64_t value) { raw(&value, sizeof value); }
    // perf_header_string: length with padding, then the NUL-padded text.
    void string(std::string_view text) {
        const std::size_t padded = (text.size() + 1 + 63) / 64 * 64;
        u32(static_cast<std::uint32_t>(padded));
        raw(text.data(), text.size());
        bytes_.resize(bytes_.size() + padded - text.size());
    }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

std::vector<std::byte> feature_body(Feature feature, const RecordingInfo& info) {
    Bytes body;
    utsname system{};
    uname(&system);
    const auto cpus = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
    switch (feature) {
        case hostname:
            body.string(system.nodename);
            break;
        case os_release:
            body.string(system.release);
            break;
        case arch:
            body.string(system.machine);
            break;
        case nr_cpus:
            body.u32(static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF)));
            body.u32(cpus);
            break;
        case cmdline:
            body.u32(static_cast<std::uint32_t>(info.command_line.size()));
            for (const std::string& word : info.command_line) body.string(word);
            break;
        case event_desc:
            body.u32(1);
            body.u32(sizeof info.attr);
            body.raw(&info.attr, sizeof info.attr);
            body.u32(static_cast<std::uint32_t>(info.ids.size()));
            body.string(info.event_name);
            for (const std::uint64_t id : info.ids) body.u64(id);
            break;
    }
    return body.take();
}

}  // namespace

PerfDataWriter::PerfDataWriter(const std::string& path, RecordingInfo info)
    : file_(std::fopen(path.c_str(), "wb")), info_(std::move(info)) {
    if (!file_) return;
    const std::vector<std::byte> start = header(false);
    put(start.data(), start.size());
    put(info_.ids.data(), info_.ids.size() * sizeof(std::uint64_t));
    Bytes attrs;
    attrs.raw(&info_.attr, sizeof info_.attr);
    attrs.u64(header_size);
    attrs.u64(info_.ids.size() * sizeof(std::uint64_t));
    const std::vector<std::byte> entry = attrs.take();
    put(entry.data(), entry.size());
}

std::uint64_t PerfDataWriter::data_offset() const {
    return header_size + info_.ids.size() * sizeof(std::uint64_t) + sizeof info_.attr + 16;
}

std::vector<std::byte> PerfDataWriter::header(bool finished) const {
    const std::uint64_t attr_entry = sizeof info_.attr + 16;
    Bytes out;
    out.u64(magic);
    out.u64(header_size);
    out.u64(attr_entry);
    out.u64(data_offset() - attr_entry);
    out.u64(attr_entry);
    out.u64(data_offset());
    out.u64(finished ? data_size_ : 0);
    out.u64(0);  // event_types, no longer used
    out.u64(0);
    std::uint64_t bits = 0;
    for (const Feature feature : written_features) bits |= std::uint64_t{1} << feature;
    out.u64(finished ? bits : 0);
    for (int word = 1; word < 4; ++word) out.u64(0);
    return out.take();
}

void PerfDataWriter::put(const void* bytes, std::size_t size) {
    if (size != 0 && std::fwrite(bytes, 1, size, file_.get()) != size) failed_ = true;
}

void PerfDataWriter::append(const void* bytes, std::size_t size) {
    put(bytes, size);
    data_size_ += size;
}

void PerfDataWriter::append_finished_round() {
    const perf_event_header record{type_finished_round, 0, sizeof record};
    append(&record, sizeof record);
}

bool PerfDataWriter::finish() {
    if (!ok()) return false;
    std::vector<std::vector<std::byte>> bodies;
    for (const Feature feature : written_features) bodies.push_back(feature_body(feature, info_));
    std::uint64_t at = data_offset() + data_size_ + std::size(written_features) * 16;
    Bytes table;
    for (const auto& body : bodies) {
        table.u64(at);
        table.u64(body.size());
        at += body.size();
    }
    const std::vector<std::byte> entries = table.take();
    put(entries.data(), entries.size());
    for (const auto& body : bodies) put(body.data(), body.size());
    if (std::fseek(file_.get(), 0, SEEK_SET) != 0) failed_ = true;
    const std::vector<std::byte> start = header(true);
    put(start.data(), start.size());
    if (std::fflush(file_.get()) != 0) failed_ = true;
    return ok();
}

}  // namespace truth
