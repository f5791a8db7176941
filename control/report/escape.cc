#include "control/report/escape.h"

#include "control/story/text.h"

namespace lapse::report {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Calls 'emit' with each character: itself, or U+FFFD where there is none that a document may hold.
template <typename Emit>
void for_each_character(std::string_view text, Emit emit) {
  while (!text.empty()) {
    const story::CodePoint point = story::first_code_point(text);
    const bool lone_byte = point.size == 1 && point.value >= 0x80;
    const bool overlong = (point.size == 2 && point.value < 0x80) || (point.size == 3 && point.value < 0x800) ||
                          (point.size == 4 && point.value < 0x10000);
    const bool control = point.value < 0x20 && point.value != '\t' && point.value != '\n' && point.value != '\r';
    const bool forbidden = (point.value >= 0xd800 && point.value <= 0xdfff) || point.value == 0xfffe ||
                           point.value == 0xffff || point.value > 0x10ffff || point.value == 0x7f;
    emit(lone_byte || overlong || control || forbidden ? kReplacement : text.substr(0, point.size));
    text.remove_prefix(point.size);
  }
}

bool is_line_break(std::string_view character) {
  return character == "\n" || character == "\r";
}

}  // namespace

std::string escape_xml(std::string_view text) {
  std::string result;
  for_each_character(text, [&](std::string_view character) {
    switch (character.front()) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += character;
    }
  });
  return result;
}

std::string escape_markdown(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]<>#|~!&$@";
  std::string result;
  for_each_character(text, [&](std::string_view character) {
    if (is_line_break(character)) {
      result += ' ';
      return;
    }
    if (character.size() == 1 && kSpecial.find(character.front()) != std::string_view::npos) {
      result += '\\';
    }
    result += character;
  });
  return result;
}

// Mermaid takes #NUMBER; for a character. What would end a statement, begin a comment or be read as HTML is written so.
std::string escape_mermaid(std::string_view text) {
  constexpr std::string_view kSpecial = "#;%<>&\"'`{}[]\\:";
  std::string result;
  for_each_character(text, [&](std::string_view character) {
    if (is_line_break(character)) {
      result += ' ';
    } else if (character.size() == 1 && kSpecial.find(character.front()) != std::string_view::npos) {
      result += "#" + std::to_string(static_cast<unsigned char>(character.front())) + ";";
    } else {
      result += character;
    }
  });
  return result;
}

std::string quote_shell(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string result = "'";
  for (const char character : word) {
    result += character == '\'' ? std::string("'\\''") : std::string(1, character);
  }
  return result + "'";
}

}  // namespace lapse::report
