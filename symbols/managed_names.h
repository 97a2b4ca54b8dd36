// Names of OCaml, Java and Scala: their own encodings, which no library decodes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fgread {

// OCaml (ocamlopt's symbols): "camlStdlib__List__map_487" -> "Stdlib.List.map". A name counts as
// OCaml's if all of this holds, and is left alone otherwise ("caml_alloc_small", which is C):
//   - it begins with "caml" and an upper-case letter;
//   - it has "__" or '.' in it, with something before and after;
//   - it has only letters, digits, '_', '.', '\'' and '$' with two hexadecimal digits ("$3d" is
//   '=').
// The number that ocamlopt appends ("_487") is dropped.
[[nodiscard]] std::optional<std::string> ocaml_name(std::string_view name);

// Java and Scala, as the perf maps of JVMs have them; `parameters` keeps what is in parentheses:
//   "Lcom/foo/Bar;::baz"                     com.foo.Bar::baz         (perf-map-agent)
//   "Lcom/foo/Bar;::baz(I[Ljava/x/Y;)V"      com.foo.Bar::baz(int, java.x.Y[])
//   "com/foo/Bar::baz"                       com.foo.Bar::baz
//   "void com.foo.Bar::baz(int)"             com.foo.Bar::baz(int)    (jcmd Compiler.perfmap)
// In these, Scala's "$plus$plus" and the like become the operators they stand for ("++").
// Nothing for any other shape: names of C++ and Go have "::" and '/' too.
[[nodiscard]] std::optional<std::string> java_name(std::string_view name, bool parameters);

}  // namespace fgread
