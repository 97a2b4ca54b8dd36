#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collapse/grouping.h"

using namespace fgread;

using Strings = std::vector<std::string>;

TEST_CASE("a grouping is a list of known words, each once") {
    CHECK(parse_grouping("comm") == Grouping{GroupBy::comm});
    CHECK(parse_grouping("cgroup,event,cpu") ==
          Grouping{GroupBy::cgroup, GroupBy::event, GroupBy::cpu});
    CHECK(parse_grouping("tid,pid") == Grouping{GroupBy::tid, GroupBy::pid});
    for (const char* wrong : {"", "comm,", ",comm", "command", "comm,comm", "comm pid"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_grouping(wrong));
    }
}

TEST_CASE("each part of a grouping is a root frame, names with their blanks as _") {
    ProcessTable processes;
    CommView comm;
    comm.pid = Pid{7};
    comm.tid = Tid{8};
    comm.comm = "a b\tc";
    processes.apply(EventTime{1, 1}, comm);
    std::vector<EventAttr> attrs(2);
    attrs[1].name = "cpu clock";
    Group group;
    group.comm = processes.comm_at(Pid{7}, Tid{8}, EventTime{2, 2});
    group.pid = Pid{7};
    group.tid = Tid{8};
    group.cpu = 3;
    group.event = 1;
    group.cgroup = 5;
    const auto label = [&](const Grouping& by) { return group_label(group, by, processes, attrs); };
    CHECK(label({GroupBy::comm}) == Strings{"a_b_c"});
    CHECK(label({GroupBy::pid}) == Strings{"a_b_c-7"});
    CHECK(label({GroupBy::tid}) == Strings{"a_b_c-7/8"});
    CHECK(label({GroupBy::event, GroupBy::cpu, GroupBy::cgroup, GroupBy::comm}) ==
          Strings{"cpu_clock", "cpu3", "cgroup-5", "a_b_c"});
}
