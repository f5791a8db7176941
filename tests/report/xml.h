// xml.h - an independent reader's opinion of a document: libxml2's.
//
// Owner:    the test.
// Memory:   ordinary.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     none.
// Lifetime: none.
// Spec:     XML 1.0.
#pragma once

#include <string>
#include <vector>

namespace lapse::report {

// What libxml2 complains about; empty: the document is well-formed.
std::string xml_errors(const std::string& document);

// The text of each element called 'name', in the order of the document.
std::vector<std::string> xml_texts(const std::string& document, const std::string& name);

}  // namespace lapse::report
