#include "tests/report/xml.h"

#include <memory>

#include <libxml/parser.h>
#include <libxml/tree.h>

namespace lapse::report {
namespace {

using Document = std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)>;

Document parsed(const std::string& document) {
  constexpr int kOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  return {xmlReadMemory(document.data(), static_cast<int>(document.size()), "test.xml", nullptr, kOptions), xmlFreeDoc};
}

void collect(const xmlNode* node, const std::string& name, std::vector<std::string>& texts) {
  for (; node != nullptr; node = node->next) {
    if (node->type == XML_ELEMENT_NODE && name == reinterpret_cast<const char*>(node->name)) {
      xmlChar* const content = xmlNodeGetContent(node);
      texts.emplace_back(reinterpret_cast<const char*>(content));
      xmlFree(content);
    }
    collect(node->children, name, texts);
  }
}

}  // namespace

std::string xml_errors(const std::string& document) {
  xmlResetLastError();
  const Document read = parsed(document);
  const xmlError* const error = xmlGetLastError();
  if (read != nullptr && error == nullptr) {
    return "";
  }
  return error == nullptr || error->message == nullptr ? "cannot be read"
                                                       : std::to_string(error->line) + ": " + error->message;
}

std::vector<std::string> xml_texts(const std::string& document, const std::string& name) {
  std::vector<std::string> texts;
  const Document read = parsed(document);
  if (read != nullptr) {
    collect(xmlDocGetRootElement(read.get()), name, texts);
  }
  return texts;
}

}  // namespace lapse::report
