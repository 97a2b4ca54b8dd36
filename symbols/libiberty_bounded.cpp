#include "symbols/libiberty_bounded.h"

#include <libiberty/demangle.h>

#include <array>
#include <csetjmp>
#include <cstdlib>
#include <memory>

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

}  // namespace

Demangled demangle_cplus(const std::string& name, std::size_t max_output, std::string& output) {
    void* memory = nullptr;
    demangle_component* tree = cplus_demangle_v3_components(name.c_str(), DMGL_NO_OPTS, &memory);
    const std::unique_ptr<void, Freed> owner(memory);
    if (tree == nullptr) return Demangled::not_mangled;
    if (!is_reasonable(tree)) return Demangled::too_long;
    output.clear();
    Sink sink{&output, max_output, {}};
    return run_bounded(sink, [tree](Sink& into) {
        return cplus_demangle_print_callback(DMGL_NO_OPTS, tree, append_or_give_up, &into);
    });
}

Demangled demangle_rust(const std::string& name, std::size_t max_output, std::string& output) {
    output.clear();
    Sink sink{&output, max_output, {}};
    return run_bounded(sink, [&name](Sink& into) {
        return rust_demangle_callback(name.c_str(), DMGL_NO_OPTS, append_or_give_up, &into);
    });
}

}  // namespace fgread
