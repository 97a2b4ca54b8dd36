#include <doctest/doctest.h>

#include "unwind/known_frames.h"

using namespace fgread;

namespace {

constexpr ModuleId module{3};
constexpr auto exact = FrameKind::exact, returning = FrameKind::return_address;

}  // namespace

TEST_CASE("a frame is known by module, kind and offset, once it was added") {
    const UnwindRule rules[4];
    KnownFrames frames;
    frames.make_room();
    CHECK(frames.find(module, exact, 0x1000).rule == nullptr);
    frames.add(module, exact, 0x1000, {&rules[0], 10});
    frames.add(module, returning, 0x1000, {&rules[1], 11});
    frames.add(ModuleId{4}, exact, 0x1000, {&rules[2], 12});
    frames.add(module, exact, 0x1001, {&rules[3], 13});
    const auto check = [&](ModuleId of, FrameKind kind, std::uint64_t offset, FrameId id) {
        const auto known = frames.find(of, kind, offset);
        CHECK(known.rule == &rules[id - 10]);
        CHECK(known.id == id);
    };
    check(module, exact, 0x1000, 10);
    check(module, returning, 0x1000, 11);
    check(ModuleId{4}, exact, 0x1000, 12);
    check(module, exact, 0x1001, 13);
    CHECK(frames.find(module, exact, 0x1002).rule == nullptr);
    frames.forget_all();
    CHECK(frames.find(module, exact, 0x1000).rule == nullptr);
}

TEST_CASE("offsets and modules too large for a key are not remembered, nor taken for others") {
    const UnwindRule rule;
    KnownFrames frames;
    frames.make_room();
    frames.add(module, exact, 0x1000, {&rule, 1});
    constexpr std::uint64_t far = std::uint64_t{1} << 40;
    frames.add(module, returning, far + 0x1000, {&rule, 2});
    frames.add(ModuleId{1u << 23}, returning, 0x1000, {&rule, 3});
    CHECK(frames.find(module, returning, far + 0x1000).rule == nullptr);
    CHECK(frames.find(module, returning, 0x1000).rule == nullptr);
    CHECK(frames.find(ModuleId{1u << 23}, returning, 0x1000).rule == nullptr);
    CHECK(frames.find(ModuleId{}, returning, 0).rule == nullptr);
    CHECK(frames.find(module, exact, 0x1000).id == 1);
}

TEST_CASE("of many frames the last ones are known, and none as another") {
    const UnwindRule rule;
    KnownFrames frames;
    frames.make_room();
    constexpr FrameId count = 100000;
    for (FrameId id = 0; id < count; ++id) frames.add(module, exact, 16 * id, {&rule, id});
    unsigned known = 0, known_of_last = 0, wrong = 0;
    for (FrameId id = 0; id < count; ++id) {
        const auto found = frames.find(module, exact, 16 * id);
        if (!found.rule) continue;
        ++known;
        if (id >= count - 1000) ++known_of_last;
        if (found.id != id) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(known_of_last == 1000);
    CHECK(known > 10000);
}
