// Names without their template and generic arguments.
#pragma once

#include <string>
#include <string_view>

namespace fgread {

// A demangled C++ or Rust name without template and generic arguments:
//   std::map<int, long>::find                     std::map::find
//   operator<< <char>                             operator<<
//   main::{lambda(std::vector<int>)#1}            main::{lambda(std::vector)#1}
//   core::ptr::drop_in_place::<Vec<u8>>           core::ptr::drop_in_place
//   <Vec<T> as Drop>::drop                        <Vec as Drop>::drop
//   alloc::vec::<impl Clone for Vec<T>>::clone    alloc::vec::<impl Clone for Vec>::clone
// What says whose method it is (`<T as Trait>`, `<impl T for U>`, `<lambda(int)>`) stays, its own
// arguments go. A name whose brackets do not balance is given back as it is. One pass.
[[nodiscard]] std::string short_name(std::string_view name);

// If `name` has "operator" at `at`, as a word: the length of it and the symbols behind it
// ("operator<=>", "operator()", "operator"); else 0. The brackets in there are none.
[[nodiscard]] std::size_t operator_length(std::string_view name, std::size_t at);

}  // namespace fgread
