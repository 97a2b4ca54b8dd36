// A binary whose functions have names that a test can look for.
extern "C" {

[[gnu::noinline]] int known_leaf(int value) {
    asm volatile("" : "+r"(value));
    return value + 1;
}

[[gnu::noinline]] int known_middle(int value) { return known_leaf(value) * 3; }

[[gnu::noinline]] int known_root(int value) { return known_middle(value) + known_leaf(value); }
}

namespace known {

template <class T>
[[gnu::noinline]] T shape(T value) {
    asm volatile("" : "+r"(value));
    return value;
}

}  // namespace known

int main(int argc, char**) { return known_root(argc) + known::shape<int>(argc); }
