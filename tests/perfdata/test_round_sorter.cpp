#include "perfdata/round_sorter.h"

#include <doctest/doctest.h>

#include <random>

using namespace fgread;

namespace {

// Pushes numbers that are times; the sequence is the order of pushing.
class Sorter {
public:
    explicit Sorter(std::size_t max_held = 1000) : sorter_(max_held) {}
    Sorter& push(std::initializer_list<std::uint64_t> times) {
        for (const std::uint64_t time : times) sorter_.push({time, sequence_++}, time);
        return *this;
    }
    std::vector<std::uint64_t> out() {
        std::vector<std::uint64_t> times;
        while (const auto item = sorter_.pop()) times.push_back(item->item);
        return times;
    }
    RoundSorter<std::uint64_t>* operator->() { return &sorter_; }

private:
    RoundSorter<std::uint64_t> sorter_;
    std::uint64_t sequence_ = 0;
};

using Times = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("the rounds of the drawing in the header") {
    Sorter sorter;
    sorter.push({3, 1, 2})->finish_round();
    CHECK(sorter.out() == Times{});
    sorter.push({6, 4, 5})->finish_round();
    CHECK(sorter.out() == Times{1, 2, 3});
    sorter.push({9, 7, 8})->finish_round();
    CHECK(sorter.out() == Times{4, 5, 6});
    sorter->finish();
    CHECK(sorter.out() == Times{7, 8, 9});
    CHECK(sorter->late() == 0);
}

TEST_CASE("a record that was in a buffer for a whole round is still in time") {
    Sorter sorter;
    sorter.push({10, 20})->finish_round();
    sorter.push({30, 15})->finish_round();
    CHECK(sorter.out() == Times{10, 15, 20});
}

TEST_CASE("records of time 0 go out at once, in the order they came") {
    RoundSorter<int> sorter;
    sorter.push({5, 0}, 50);
    sorter.push({0, 1}, 1);
    sorter.push({0, 2}, 2);
    CHECK(sorter.pop()->item == 1);
    CHECK(sorter.pop()->item == 2);
    CHECK_FALSE(sorter.pop().has_value());
    sorter.finish();
    CHECK(sorter.pop()->item == 50);
    sorter.push({0, 3}, 3);
    CHECK(sorter.pop()->item == 3);
    CHECK(sorter.late() == 0);
}

TEST_CASE("equal times keep the order of the file") {
    RoundSorter<int> sorter;
    for (int i = 0; i < 10; ++i) sorter.push({7, static_cast<std::uint64_t>(i)}, i);
    sorter.finish();
    for (int i = 0; i < 10; ++i) CHECK(sorter.pop()->item == i);
}

TEST_CASE("a late record goes out at once and is counted") {
    Sorter sorter;
    sorter.push({10, 20})->finish_round();
    sorter.push({30})->finish_round();
    CHECK(sorter.out() == Times{10, 20});
    sorter.push({12});
    CHECK(sorter->late() == 1);
    CHECK(sorter.out() == Times{12});
    sorter.push({25});  // later than 20: in order after all
    CHECK(sorter->late() == 1);
    sorter->finish();
    CHECK(sorter.out() == Times{25, 30});
}

TEST_CASE("without any marks the older half goes when too many are held") {
    Sorter sorter(10);
    for (std::uint64_t i = 0; i < 10; ++i) sorter.push({100 - i});
    CHECK(sorter.out() == Times{});
    sorter.push({50});
    CHECK(sorter.out() == Times{50, 91, 92, 93, 94, 95});
    CHECK(sorter->held() == 5);
    sorter->finish();
    CHECK(sorter.out().size() == 5);
}

TEST_CASE("nothing is ever dropped, and order holds except for those counted late") {
    std::mt19937_64 random(11);
    for (int round = 0; round < 50; ++round) {
        RoundSorter<int> sorter(1 + random() % 50);
        std::uint64_t pushed = 0;
        std::uint64_t popped = 0;
        std::uint64_t disorder = 0;
        std::uint64_t latest = 0;
        const auto drain = [&] {
            while (const auto item = sorter.pop()) {
                ++popped;
                if (item->when.time != 0 && item->when.time < latest) ++disorder;
                latest = std::max(latest, item->when.time);
            }
        };
        for (int i = 0; i < 300; ++i) {
            if (random() % 10 == 0) sorter.finish_round();
            sorter.push({random() % 100, pushed++}, i);
            if (random() % 3 == 0) drain();
        }
        sorter.finish();
        drain();
        CHECK(popped == pushed);
        CHECK(disorder <= sorter.late());
    }
}
