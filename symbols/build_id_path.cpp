#include "symbols/build_id_path.h"

namespace fgread {
namespace {

std::string directory_and_rest(const std::string& root, const BuildId& id) {
    const std::string digits = id.hex();
    return root + "/.build-id/" + digits.substr(0, 2) + "/" +
           (digits.size() > 2 ? digits.substr(2) : std::string());
}

}  // namespace

std::string build_id_debug_path(const std::string& root, const BuildId& id) {
    return directory_and_rest(root, id) + ".debug";
}

std::string build_id_cache_path(const std::string& cache, const BuildId& id,
                                const std::string& file) {
    return directory_and_rest(cache, id) + "/" + file;
}

}  // namespace fgread
