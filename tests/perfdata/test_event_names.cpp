#include <doctest/doctest.h>

#include "perfdata/file_header.h"
#include "perfdata/format.h"

using namespace fgread;
using namespace fgread::format;

namespace {

std::string name_of(std::uint32_t type, std::uint64_t config, std::uint64_t flags = 0) {
    EventAttr attr;
    attr.type = type;
    attr.config = config;
    attr.flags = flags;
    return made_up_event_name(attr);
}

EventAttr attr_with_ids(std::vector<std::uint64_t> ids) {
    EventAttr attr;
    attr.type = type_software;
    attr.ids = std::move(ids);
    return attr;
}

}  // namespace

TEST_CASE("events are called what perf calls them") {
    CHECK(name_of(type_hardware, 0) == "cycles");
    CHECK(name_of(type_hardware, 9) == "ref-cycles");
    CHECK(name_of(type_hardware, 10) == "hardware 0xa");
    CHECK(name_of(type_software, 0) == "cpu-clock");
    CHECK(name_of(type_software, 1) == "task-clock");
    CHECK(name_of(type_software, 10) == "bpf-output");
    CHECK(name_of(type_hw_cache, 0x00000) == "L1-dcache-loads");
    CHECK(name_of(type_hw_cache, 0x10000) == "L1-dcache-load-misses");
    CHECK(name_of(type_hw_cache, 0x10103) == "dTLB-store-misses");
    CHECK(name_of(type_hw_cache, 0x00202) == "LLC-prefetchs");
    CHECK(name_of(type_hw_cache, 0x20000) == "cache 0x20000");
    CHECK(name_of(type_raw, 0x1a8) == "raw 0x1a8");
    CHECK(name_of(type_tracepoint, 314) == "tracepoint 314");
    CHECK(name_of(type_breakpoint, 0) == "breakpoint");
    CHECK(name_of(8, 0x11) == "pmu-8/config=0x11/");
}

TEST_CASE("the PMU in the upper half of config is not part of a generic event's name") {
    CHECK(name_of(type_hardware, 0x400000000) == "cycles");
}

TEST_CASE("modes that are not counted show in the name") {
    CHECK(name_of(type_hardware, 0, 1ULL << attr_exclude_kernel) == "cycles:uh");
    CHECK(name_of(type_hardware, 0, (1ULL << attr_exclude_kernel) | (1ULL << attr_exclude_hv)) ==
          "cycles:u");
    CHECK(name_of(type_hardware, 0, 1ULL << attr_exclude_user) == "cycles:kh");
}

TEST_CASE("descriptions are matched by ids, not by order") {
    std::vector<EventAttr> attrs = {attr_with_ids({1, 2}), attr_with_ids({3}), attr_with_ids({9})};
    name_events({{"second", {3}}, {"first", {2, 1}}}, attrs);
    CHECK(attrs[0].name == "first");
    CHECK(attrs[1].name == "second");
    CHECK(attrs[2].name == "cpu-clock");
}

TEST_CASE("without ids the order of descriptions is all there is") {
    std::vector<EventAttr> attrs = {attr_with_ids({})};
    name_events({{"cycles:pp", {}}}, attrs);
    CHECK(attrs[0].name == "cycles:pp");
}
