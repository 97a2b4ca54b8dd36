#include "perfdata/address_space.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "perfdata/persistent_ranges.h"

using namespace fgread;

namespace {

EventTime at(std::uint64_t time) { return {time, time}; }

std::uint32_t found(const AddressSpace& space, std::uint64_t address, std::uint64_t time) {
    return space.find(Avma{address}, at(time)).value;
}

void map(AddressSpace& space, std::uint64_t time, std::uint64_t start, std::uint64_t end,
         std::uint32_t id) {
    CHECK(space.map(at(time), Avma{start}, Avma{end}, MappingId{id}));
}

// The same by brute force: a log of calls, the last one that covers the address wins.
struct Model {
    struct Call {
        EventTime when;
        std::uint64_t start, end;
        std::uint32_t id;
    };
    std::vector<Call> calls;

    std::uint32_t find(std::uint64_t address, EventTime when) const {
        std::uint32_t id = 0;
        for (const Call& call : calls) {
            if (call.when <= when && call.start <= address && address < call.end) id = call.id;
        }
        return id;
    }
    Model forked(EventTime when) const {
        Model child;
        for (const Call& call : calls) {
            // What was inherited holds from the beginning of the child.
            if (call.when <= when) child.calls.push_back({{}, call.start, call.end, call.id});
        }
        return child;
    }
};

// Everything the answer claims: same id at its corners, and something else just outside.
void check_span(const AddressSpace& space, const Model& model, std::uint64_t address,
                EventTime when) {
    const AddressSpace::Found span = space.find_span(Avma{address}, when);
    REQUIRE(span.id.value == model.find(address, when));
    REQUIRE(span.start.value <= address);
    REQUIRE(address < span.end.value);
    REQUIRE(span.from <= when);
    REQUIRE(when < span.until);
    const EventTime last_moment = span.until == end_of_time
                                      ? EventTime{1'000'000, 0}
                                      : EventTime{span.until.time - 1, UINT64_MAX};
    for (const std::uint64_t a : {span.start.value, address, span.end.value - 1}) {
        for (const EventTime t : {span.from, when, last_moment}) {
            REQUIRE(model.find(a, t) == span.id.value);
        }
    }
}

}  // namespace

TEST_CASE("nothing is mapped in an empty space") {
    const AddressSpace space;
    CHECK(found(space, 0, 0) == 0);
    CHECK(found(space, ~0ULL, ~0ULL) == 0);
    const auto gap = space.find_span(Avma{0x1000}, at(5));
    CHECK_FALSE(gap.id);
    CHECK(gap.start.value == 0);
    CHECK(gap.until == end_of_time);
}

TEST_CASE("a mapping is there from its time on, between its bounds") {
    AddressSpace space;
    map(space, 10, 0x1000, 0x2000, 1);
    CHECK(found(space, 0x1000, 9) == 0);
    CHECK(found(space, 0x1000, 10) == 1);
    CHECK(found(space, 0x0fff, 10) == 0);
    CHECK(found(space, 0x1fff, 99) == 1);
    CHECK(found(space, 0x2000, 99) == 0);
}

TEST_CASE("a mapping inside another one leaves both ends of it") {
    AddressSpace space;
    map(space, 1, 0x1000, 0x4000, 1);
    map(space, 2, 0x2000, 0x3000, 2);
    CHECK(found(space, 0x1fff, 2) == 1);
    CHECK(found(space, 0x2000, 2) == 2);
    CHECK(found(space, 0x2fff, 2) == 2);
    CHECK(found(space, 0x3000, 2) == 1);
    CHECK(found(space, 0x2800, 1) == 1);  // before the second one was made
    const auto left = space.find_span(Avma{0x1800}, at(5));
    CHECK(left.start.value == 0x1000);
    CHECK(left.end.value == 0x2000);
    CHECK(left.from == at(2));
    const auto before = space.find_span(Avma{0x1800}, at(1));
    CHECK(before.end.value == 0x4000);
    CHECK(before.until == at(2));
}

TEST_CASE("a mapping over several hides them all, for later times") {
    AddressSpace space;
    map(space, 1, 0x1000, 0x2000, 1);
    map(space, 2, 0x3000, 0x4000, 2);
    map(space, 3, 0x1800, 0x3800, 3);
    CHECK(found(space, 0x17ff, 3) == 1);
    CHECK(found(space, 0x1800, 3) == 3);
    CHECK(found(space, 0x2800, 3) == 3);
    CHECK(found(space, 0x3800, 3) == 2);
    CHECK(found(space, 0x2800, 2) == 0);
}

TEST_CASE("empty and reversed ranges are ignored") {
    AddressSpace space;
    map(space, 1, 0x1000, 0x1000, 1);
    map(space, 2, 0x2000, 0x1000, 2);
    CHECK(found(space, 0x1000, 9) == 0);
}

TEST_CASE("a gap's span ends when the address is mapped, and excludes later neighbours") {
    AddressSpace space;
    map(space, 1, 0x1000, 0x2000, 1);
    map(space, 2, 0x4000, 0x5000, 2);
    map(space, 3, 0x2800, 0x3800, 3);
    const auto gap = space.find_span(Avma{0x3000}, at(1));
    CHECK_FALSE(gap.id);
    CHECK(gap.start.value == 0x2000);
    CHECK(gap.end.value == 0x4000);
    CHECK(gap.until == at(3));
    const auto rest = space.find_span(Avma{0x2400}, at(1));
    CHECK(rest.end.value == 0x2800);
    CHECK(rest.until == end_of_time);
}

TEST_CASE("parent and child of a fork do not see each other's later mappings") {
    AddressSpace parent;
    map(parent, 1, 0x1000, 0x2000, 1);
    AddressSpace child(parent, at(5));
    map(parent, 6, 0x1000, 0x2000, 2);
    map(child, 7, 0x1800, 0x2800, 3);
    CHECK(found(parent, 0x1800, 9) == 2);
    CHECK(found(child, 0x1000, 9) == 1);
    CHECK(found(child, 0x1800, 9) == 3);
    CHECK(found(child, 0x1800, 6) == 1);
    CHECK(found(child, 0x1000, 0) == 1);  // before its fork: as at the fork
}

TEST_CASE("a fork in the past inherits what was mapped then") {
    AddressSpace parent;
    map(parent, 1, 0x1000, 0x2000, 1);
    map(parent, 9, 0x1000, 0x2000, 2);
    const AddressSpace child(parent, at(5));
    CHECK(found(child, 0x1000, 9) == 1);
}

TEST_CASE("a child that maps something leaves its parent and its sisters alone") {
    for (const std::uint32_t mappings : {4U, 100U, 1000U}) {  // listed, listed and in a tree
        AddressSpace parent;
        for (std::uint32_t i = 1; i <= mappings; ++i) map(parent, i, i * 16, i * 16 + 16, i);
        AddressSpace first(parent, at(2000)), second(parent, at(2000));
        map(first, 2001, 16, 24, 2001);
        map(parent, 2002, 16, 24, 2002);
        CHECK(found(first, 16, 2003) == 2001);
        CHECK(found(first, 32, 2003) == 2);
        CHECK(found(second, 16, 2003) == 1);
        CHECK(found(parent, 16, 2003) == 2002);
        CHECK(first.find_span(Avma{24}, at(2003)).from == at(2001));
        CHECK(second.find_span(Avma{16}, at(2003)).from == EventTime{});
    }
}

TEST_CASE("a child outlives its parent") {
    auto parent = std::make_unique<AddressSpace>();
    map(*parent, 1, 0x1000, 0x2000, 1);
    const AddressSpace child(*parent, at(5));
    parent.reset();
    CHECK(found(child, 0x1000, 5) == 1);
}

TEST_CASE("a call with an earlier time counts as made at the time of the last") {
    AddressSpace space;
    map(space, 10, 0x1000, 0x2000, 1);
    map(space, 5, 0x1000, 0x2000, 2);
    CHECK(found(space, 0x1000, 9) == 0);
    CHECK(found(space, 0x1000, 10) == 2);
}

TEST_CASE("mappings up to the last byte of the address space") {
    AddressSpace space;
    map(space, 1, 0xffffffff80000000, ~0ULL, 1);
    CHECK(found(space, 0xfffffffffffffffe, 1) == 1);
    CHECK(found(space, ~0ULL, 1) == 0);
    CHECK_FALSE(space.find_span(Avma{~0ULL}, at(1)).id);
}

TEST_CASE("any sequence of mappings and forks answers as a plain log would") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 30; ++round) {
        const std::uint64_t width = 8ULL << (random() % 6);
        // Few mappings are kept as a list, many as a tree.
        const std::uint64_t changes = round % 3 == 0 ? 1200 : 120;
        std::vector<AddressSpace> spaces(1);
        std::vector<Model> models(1);
        for (std::uint64_t time = 1; time < changes; ++time) {
            const std::size_t i = random() % spaces.size();
            if (random() % 8 == 0 && spaces.size() < 8) {
                spaces.emplace_back(spaces[i], at(time));
                models.push_back(models[i].forked(at(time)));
                continue;
            }
            const std::uint64_t start = random() % width;
            const std::uint64_t end = start + random() % (width / 2);
            const auto id = static_cast<std::uint32_t>(time);
            map(spaces[i], time, start, end, id);
            models[i].calls.push_back({at(time), start, end, id});
        }
        for (std::size_t i = 0; i < spaces.size(); ++i) {
            for (int k = 0; k < 200; ++k) {
                const EventTime when = at(random() % (changes + 10));
                const std::uint64_t address = random() % (width * 2);
                REQUIRE(spaces[i].find(Avma{address}, when).value == models[i].find(address, when));
                check_span(spaces[i], models[i], address, when);
            }
        }
    }
}

TEST_CASE("the tree stays flat, whatever the order of addresses") {
    PersistentRanges ranges;
    PersistentRanges::Root root = nullptr;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        root = ranges.assign(root, i * 16, i * 16 + 16, MappingId{1});
    }
    CHECK(root->height <= 20);  // 1.45 log2(10,000) = 19.3
    for (std::uint64_t i = 10'000; i-- > 0;) {
        root = ranges.assign(root, i * 16 + 4, i * 16 + 8, MappingId{2});
    }
    CHECK(root->height <= 23);
    root = ranges.assign(root, 0, 10'000 * 16, MappingId{3});
    CHECK(root->height == 1);
}

TEST_CASE("100,000 mappings over each other take bounded time") {
    // Without the bound this takes longer than a test may.
    AddressSpace space;
    // Many small ones, then wide ones over all of them, each shorter than the one before: every
    // later one covers most of what there is.
    for (std::uint64_t i = 0; i < 50'000; ++i) map(space, i, i * 16, i * 16 + 16, 1);
    for (std::uint64_t i = 0; i < 50'000; ++i) map(space, 50'000 + i, i, 800'000 - i, 2);
    std::uint64_t hits = 0;
    for (std::uint64_t i = 0; i < 100'000; ++i) hits += found(space, i * 8, i) != 0;
    CHECK(hits > 50'000);
}
