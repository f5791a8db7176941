#include "control/cli/check_output.h"

#include <algorithm>

#include "control/topology/text.h"

namespace lapse::cli {
namespace {

using topology::concat;
using topology::DrawnPath;
using topology::EffectiveSetting;
using From = topology::EffectiveSetting::From;

constexpr size_t kWidestValue = 32;  // a command line may be longer, and moves only its own row

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return concat(text, "  ");
}

// A command may have several lines, and a row has one.
std::string value_text(const EffectiveSetting& setting) {
  return setting.value.find('\n') == std::string::npos ? setting.value : topology::shown(setting.value);
}

// "default; 1: NAT gateway, TCP connection; documented".
std::string sourced(std::string_view what, const EffectiveSetting& setting) {
  return concat(what, setting.row.empty() ? "" : "; ", setting.row, "; ", topology::name(setting.confidence));
}

std::string origin_text(const EffectiveSetting& setting) {
  switch (setting.from) {
    case From::kFile:
      return concat("line ", std::to_string(setting.place.line));
    case From::kSetting:
      return setting.place.file;
    case From::kDefault:
      return sourced("default", setting);
    case From::kFixed:
      return sourced("fixed", setting);
  }
  return "";
}

std::string_view origin_name(From from) {
  switch (from) {
    case From::kFile:
      return "file";
    case From::kSetting:
      return "set";
    case From::kDefault:
      return "default";
    case From::kFixed:
      return "fixed";
  }
  return "";
}

}  // namespace

std::string settings_text(const std::vector<EffectiveSetting>& settings) {
  size_t key_width = 3;
  size_t value_width = 5;
  for (const EffectiveSetting& setting : settings) {
    key_width = std::max(key_width, setting.key.size());
    value_width = std::max(value_width, std::min(value_text(setting).size(), kWidestValue));
  }
  std::string text = concat(padded("KEY", key_width), padded("VALUE", value_width), "FROM\n");
  for (const EffectiveSetting& setting : settings) {
    text +=
        concat(padded(setting.key, key_width), padded(value_text(setting), value_width), origin_text(setting), "\n");
  }
  return text;
}

nlohmann::json settings_json(const std::vector<EffectiveSetting>& settings) {
  nlohmann::json list = nlohmann::json::array();
  for (const EffectiveSetting& setting : settings) {
    nlohmann::json one{{"key", setting.key}, {"value", setting.value}, {"from", origin_name(setting.from)}};
    if (setting.from == From::kFile || setting.from == From::kSetting) {
      one["file"] = setting.place.file;
      one["line"] = setting.place.line;
      one["column"] = setting.place.column;
    } else {
      one["reference"] = setting.row.empty() ? nlohmann::json() : nlohmann::json(setting.row);
      one["confidence"] = topology::name(setting.confidence);
    }
    list.push_back(std::move(one));
  }
  return list;
}

std::string paths_text(const std::vector<DrawnPath>& paths) {
  std::string text;
  for (const DrawnPath& path : paths) {
    text += concat(path.picture, "\n");
  }
  return text;
}

nlohmann::json paths_json(const std::vector<DrawnPath>& paths) {
  nlohmann::json list = nlohmann::json::array();
  for (const DrawnPath& path : paths) {
    nlohmann::json one{
        {"from", path.from}, {"to", path.to}, {"opens", path.opens}, {"forth", path.forth}, {"picture", path.picture}};
    if (path.opens) {
      one["back"] = path.back;
      one["seen_as"] = path.seen_as;
    }
    if (!path.reason.empty()) {
      one["reason"] = path.reason;
    }
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace lapse::cli
