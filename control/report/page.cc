#include "control/report/page.h"

#include "absl/strings/str_cat.h"

#include "control/report/escape.h"
#include "control/report/palette.h"

namespace lapse::report {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { margin: 0; padding: 32px 28px 56px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 1760px; margin: 0 auto; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 24px; }
h2 { font-size: 19px; line-height: 1.3; margin: 0 0 12px; }
h3 { font-size: 15px; margin: 32px 0 8px; }
p { margin: 0 0 12px; max-width: 78ch; }
.runs { display: grid; gap: 48px 40px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 600px), 1fr)); }
.run { min-width: 0; }
.verdict { border-left: 4px solid var(--alarm); background: var(--panel); padding: 12px 16px; margin: 0 0 16px;
  max-width: none; }
.verdict.quiet { border-color: var(--alive); }
.lines { margin: 0 0 12px; padding-left: 20px; }
.lines li { overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; display: block; }
details { margin: 0 0 16px; }
summary { cursor: pointer; padding: 4px 0; }
.ladder, .heat { border: 1px solid var(--faint); border-radius: 6px; }
.scroll { overflow-x: auto; margin: 0 0 16px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding: 0 0 6px; white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--faint);
  white-space: nowrap; }
thead th { color: var(--dim); font-weight: 600; vertical-align: bottom; white-space: normal; }
tbody th { font-weight: 600; }
.number { text-align: right; }
pre { background: var(--panel); padding: 12px 16px; overflow-x: auto; border-radius: 6px; font-size: 13px;
  margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print {
  body { padding: 0; font-size: 12px; }
  .run { break-after: page; }
  .runs { display: block; }
  .scroll { overflow: visible; }
  table { font-size: 9px; }
  th, td { padding-right: 8px; }
  table, svg { break-inside: avoid; }
}
)css";

absl::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string variables(bool dark) {
  std::string text;
  for (const ColourValues& colour : kColours) {
    absl::StrAppend(&text, " --", view(colour.name), ": ", view(dark ? colour.dark : colour.light), ";");
  }
  return ":root {" + text + " }\n";
}

std::string style() {
  std::string text = variables(false);
  absl::StrAppend(&text, "@media screen and (prefers-color-scheme: dark) { ", variables(true), "}\n");
  for (const ColourValues& colour : kColours) {
    absl::StrAppend(&text, "svg .f-", view(colour.name), " { fill: var(--", view(colour.name), "); } svg .s-",
                    view(colour.name), " { stroke: var(--", view(colour.name), "); }\n");
  }
  return absl::StrCat(text, view(kStyle));
}

// May be broken inside "PacketsInFromDestination".
std::string breakable(const std::string& title) {
  std::string result;
  for (size_t at = 0; at < title.size(); ++at) {
    const bool is_upper = title[at] >= 'A' && title[at] <= 'Z';
    const bool after_lower = at > 0 && title[at - 1] >= 'a' && title[at - 1] <= 'z';
    result += is_upper && after_lower ? "<wbr>" : "";
    result += escape_xml(title.substr(at, 1));
  }
  return result;
}

}  // namespace

std::string page(std::string_view title, std::string_view body) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
      escape_xml(title), "</title>\n<style>\n", style(), "</style>\n</head>\n<body>\n<main>\n", view(body),
      "</main>\n</body>\n</html>\n");
}

std::string table(std::string_view caption, const std::vector<TableColumn>& columns,
                  const std::vector<std::vector<std::string>>& rows) {
  const auto attributes = [&](size_t column) {
    return column < columns.size() && columns[column].align == Align::kNumber ? " class=\"number\"" : "";
  };
  std::string text =
      absl::StrCat("<div class=\"scroll\"><table>\n<caption>", escape_xml(caption), "</caption>\n<thead><tr>");
  for (size_t column = 0; column < columns.size(); ++column) {
    absl::StrAppend(&text, "<th scope=\"col\"", attributes(column), ">", breakable(columns[column].title), "</th>");
  }
  text += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    text += "<tr>";
    for (size_t column = 0; column < row.size(); ++column) {
      const std::string cell = column == 0 ? "th scope=\"row\"" : "td";
      absl::StrAppend(&text, "<", cell, attributes(column), ">", escape_xml(row[column]),
                      column == 0 ? "</th>" : "</td>");
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

}  // namespace lapse::report
