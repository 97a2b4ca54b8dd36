#include "symbols/libiberty_bounded.h"

#include <libiberty/demangle.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "symbols/dlang_names.h"

namespace fgread {
namespace {

// A name of 250 bytes can stand for a tree of 10^8 nodes, because a substitution is shared by all
// its uses. Some of libiberty's walks (the search for the parameter pack of an expansion) visit
// every use and print nothing, so bounding the output does not bound the time. The largest tree
// among the 500,000 names of Debian's libLLVM, libclang and node has some thousand nodes.
constexpr std::size_t max_nodes = 50'000;
// Before it prints, libiberty puts an array of (templates x references to template parameters) x
// 16 bytes on the stack: 1.3 KiB of "RT_" and as much of "I" overflow 8 MiB.
constexpr std::size_t max_template_scopes = 128 * 1024;

// D names go to libiberty only if all of these hold, because it writes into memory of its own and
// cannot be stopped. Of the 11,417 functions of libgphobos, 22 are over the limit of expansion (it
// is an upper bound, which overshoots), and none is over the others.
constexpr std::size_t max_dlang_name = 4096;  // its parser recurses: about 100 bytes a letter
constexpr std::size_t max_dlang_expansion = 4 << 20;
// Symbols as template arguments: libiberty tries several ways to read the length before each, so
// that n of them, one in the other, take 4^n steps (140 bytes, 0.3 s). Real names nest two.
constexpr std::size_t max_dlang_symbol_arguments = 6;

struct Children {
    const demangle_component* left = nullptr;
    const demangle_component* right = nullptr;
};

Children children(const demangle_component& node) {
    switch (node.type) {
        case DEMANGLE_COMPONENT_NAME:
        case DEMANGLE_COMPONENT_OPERATOR:
        case DEMANGLE_COMPONENT_BUILTIN_TYPE:
        case DEMANGLE_COMPONENT_EXTENDED_BUILTIN_TYPE:
        case DEMANGLE_COMPONENT_SUB_STD:
        case DEMANGLE_COMPONENT_CHARACTER:
        case DEMANGLE_COMPONENT_NUMBER:
        case DEMANGLE_COMPONENT_TEMPLATE_PARAM:
        case DEMANGLE_COMPONENT_FUNCTION_PARAM:
        case DEMANGLE_COMPONENT_UNNAMED_TYPE:
            return {};
        case DEMANGLE_COMPONENT_CTOR:
            return {node.u.s_ctor.name, nullptr};
        case DEMANGLE_COMPONENT_DTOR:
            return {node.u.s_dtor.name, nullptr};
        case DEMANGLE_COMPONENT_EXTENDED_OPERATOR:
            return {node.u.s_extended_operator.name, nullptr};
        case DEMANGLE_COMPONENT_DEFAULT_ARG:
        case DEMANGLE_COMPONENT_LAMBDA:
            return {node.u.s_unary_num.sub, nullptr};
        default:
            return {node.u.s_binary.left, node.u.s_binary.right};
    }
}

bool is_reference_to_parameter(const demangle_component& node) {
    if (node.type != DEMANGLE_COMPONENT_REFERENCE &&
        node.type != DEMANGLE_COMPONENT_RVALUE_REFERENCE) {
        return false;
    }
    const demangle_component* target = node.u.s_binary.left;
    return target != nullptr && target->type == DEMANGLE_COMPONENT_TEMPLATE_PARAM;
}

// Walks the tree as the printer would, every use of a shared part anew, and gives up where it
// becomes unreasonable.
bool is_reasonable(const demangle_component* root) {
    std::array<const demangle_component*, 4096> pending;
    std::size_t depth = 0, nodes = 0, templates = 0, scopes = 0;
    pending[depth++] = root;
    while (depth > 0) {
        const demangle_component& node = *pending[--depth];
        if (++nodes > max_nodes) return false;
        templates += node.type == DEMANGLE_COMPONENT_TEMPLATE ? 1 : 0;
        scopes += is_reference_to_parameter(node) ? 1 : 0;
        const Children next = children(node);
        if (depth + 2 > pending.size()) return false;
        if (next.right != nullptr) pending[depth++] = next.right;
        if (next.left != nullptr) pending[depth++] = next.left;
    }
    return templates * scopes <= max_template_scopes;
}

// Printers append a few letters at a time; most names of C++ and Rust are shorter.
constexpr std::size_t typical_output = 256;

struct Sink {
    std::string* output = nullptr;
    std::size_t limit = 0;
    std::jmp_buf give_up;
};

// libiberty cannot be told to stop. Leaving it by longjmp skips only frames of C functions that
// own nothing but stack: its printers do not allocate.
extern "C" void append_or_give_up(const char* text, std::size_t size, void* opaque) {
    Sink& sink = *static_cast<Sink*>(opaque);
    if (size > sink.limit - sink.output->size()) {
        std::longjmp(sink.give_up, 1);  // NOLINT(cert-err52-cpp)
    }
    sink.output->append(text, size);
}

// Runs one printer. Nothing with a destructor lives in this frame: longjmp ends here.
template <class Print>
Demangled run_bounded(Sink& sink, const Print& print) {
    if (setjmp(sink.give_up) != 0) return Demangled::too_long;  // NOLINT(cert-err52-cpp)
    return print(sink) != 0 ? Demangled::done : Demangled::not_mangled;
}

struct Freed {
    void operator()(void* memory) const { std::free(memory); }  // NOLINT: malloc'ed by libiberty
};

std::size_t count_symbol_arguments(const std::string& name) {
    std::size_t arguments = 0, templates = 0;
    for (std::size_t i = 0; i + 2 < name.size(); ++i) {
        if (name[i] == 'S' && name[i + 1] >= '0' && name[i + 1] <= '9') ++arguments;
        if (name[i] == '_' && name[i + 1] == '_' && (name[i + 2] == 'T' || name[i + 2] == 'U')) {
            ++templates;
        }
    }
    return std::min(arguments, templates);
}

}  // namespace

Demangled demangle_cplus(const std::string& name, bool parameters, std::size_t max_output,
                         std::string& output) {
    void* memory = nullptr;
    const int options = parameters ? DMGL_PARAMS | DMGL_ANSI : DMGL_NO_OPTS;
    demangle_component* tree = cplus_demangle_v3_components(name.c_str(), options, &memory);
    const std::unique_ptr<void, Freed> owner(memory);
    if (tree == nullptr) return Demangled::not_mangled;
    if (!is_reasonable(tree)) return Demangled::too_long;
    output.clear();
    output.reserve(typical_output);
    Sink sink{&output, max_output, {}};
    return run_bounded(sink, [tree, options](Sink& into) {
        return cplus_demangle_print_callback(options, tree, append_or_give_up, &into);
    });
}

Demangled demangle_rust(const std::string& name, std::size_t max_output, std::string& output) {
    output.clear();
    output.reserve(typical_output);
    Sink sink{&output, max_output, {}};
    return run_bounded(sink, [&name](Sink& into) {
        return rust_demangle_callback(name.c_str(), DMGL_NO_OPTS, append_or_give_up, &into);
    });
}

Demangled demangle_dlang(const std::string& name, std::size_t max_output, std::string& output) {
    if (name.size() > max_dlang_name || count_symbol_arguments(name) > max_dlang_symbol_arguments ||
        dlang_expansion(name, max_dlang_expansion) == max_dlang_expansion) {
        return Demangled::too_long;
    }
    const std::unique_ptr<char, Freed> shown(dlang_demangle(name.c_str(), DMGL_NO_OPTS));
    if (!shown) return Demangled::not_mangled;
    const std::string_view text(shown.get());
    if (text.size() > max_output) return Demangled::too_long;
    output = text;
    return Demangled::done;
}

}  // namespace fgread
