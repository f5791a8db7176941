// escape.h - words from files, made harmless for the languages that reports are written in.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     none.
// Bytes:    UTF-8 out, whatever comes in: a byte that is no UTF-8 becomes U+FFFD.
// Cost:     a pass over the text.
// Lifetime: none.
// Spec:     XML 1.0 section 2.2; CommonMark 0.30 section 2.4; Mermaid's sequence diagrams.
#pragma once

#include <string>
#include <string_view>

namespace lapse::report {

// For the text and the attributes of XML and HTML. Characters that XML has no place for become U+FFFD.
std::string escape_xml(std::string_view text);

// For running text and table cells of Markdown, on one line.
std::string escape_markdown(std::string_view text);

// For a message, a note or a participant's alias in a Mermaid sequence diagram, on one line.
std::string escape_mermaid(std::string_view text);

// One word of a POSIX shell's command line, quoted where it has to be.
std::string quote_shell(std::string_view word);

}  // namespace lapse::report
