// The program of doc/tutorial.md. -DFAST removes what the tutorial finds.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

struct Order {
    std::string customer;
    unsigned amount = 0;
};

[[gnu::noinline]] std::vector<Order> parse(unsigned count) {
    std::vector<Order> orders;
    unsigned seed = 1;
    for (unsigned i = 0; i < count; ++i) {
        seed = seed * 1664525 + 1013904223;
        orders.push_back({"customer " + std::to_string(seed % 997), seed >> 20});
    }
    return orders;
}

using Groups = std::map<std::string, std::vector<unsigned>>;

[[gnu::noinline]] void group(const std::vector<Order>& orders, Groups& groups) {
    for (const Order& order : orders) {
        std::vector<unsigned>& amounts = groups[order.customer];
        amounts.push_back(order.amount);
#ifndef FAST
        std::sort(amounts.begin(), amounts.end());  // after every order
#endif
    }
#ifdef FAST
    for (auto& [customer, amounts] : groups) std::sort(amounts.begin(), amounts.end());
#endif
}

[[gnu::noinline]] void save(const Groups& groups) {
    for (int part = 0; part < 4; ++part) usleep(30'000);  // a slow disk
    std::printf("%zu customers\n", groups.size());
}

int main() {
    Groups groups;
    group(parse(200'000), groups);
    save(groups);
}
