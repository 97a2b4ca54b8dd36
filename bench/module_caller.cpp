// Load for the corpus of the benchmark: stacks that lead through many shared objects.
//     caller DIRECTORY [SECONDS [MODULES]]
// Loads DIRECTORY/module*.so, all or the given number of them, and calls through some at random.
#include <dlfcn.h>
#include <glob.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

using Enter = std::uint64_t (*)(std::uint64_t (*)(void*), void*);

struct Path {
    const std::vector<Enter>& modules;
    std::mt19937& random;
    int left;  // calls until the stack is deep enough
};

std::uint64_t call_next(void* data) {
    Path& path = *static_cast<Path*>(data);
    if (path.left == 0) return 0;
    --path.left;
    return path.modules[path.random() % path.modules.size()](call_next, data);
}

std::vector<Enter> load_modules(const std::string& directory, std::size_t limit) {
    glob_t found{};
    if (glob((directory + "/module*.so").c_str(), 0, nullptr, &found) != 0) return {};
    std::vector<Enter> modules;
    for (std::size_t i = 0; i < found.gl_pathc && i < limit; ++i) {
        void* module = dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
        void* enter = module == nullptr ? nullptr : dlsym(module, "enter_module");
        if (enter != nullptr) modules.push_back(reinterpret_cast<Enter>(enter));
    }
    globfree(&found);
    return modules;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
    const std::size_t limit = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : SIZE_MAX;
    const std::vector<Enter> modules = load_modules(argv[1], limit);
    if (modules.empty()) return 1;
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::mt19937 random(1);
    std::uint64_t sum = 0;
    while (std::chrono::steady_clock::now() < end) {
        Path path{modules, random, 12};
        sum += call_next(&path);
    }
    std::printf("%llu\n", static_cast<unsigned long long>(sum));
}
