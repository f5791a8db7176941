// paragraph.h - a label, and words beside it in lines of at most 100 columns.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     none.
// Bytes:    a word's bytes count as its columns.
// Cost:     a pass over the words.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <string>
#include <string_view>

namespace lapse::explain {

// "  seen      words that go on, indented, on the next line where one is full". The label has at most 11 characters.
void add_paragraph(std::string& text, std::string_view label, std::string_view words);

}  // namespace lapse::explain
