#include "control/topology/json_schema.h"

#include <algorithm>

#include "nlohmann/json.hpp"

#include "control/topology/patterns.h"
#include "control/topology/text.h"
#include "control/topology/values.h"

namespace lapse::topology {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestSysctlValue = 4095;

// What YAML may take a plain text for: `run: true`, `name: 7`.
Json any_scalar() {
  return {"string", "number", "boolean"};
}

class Writer {
 public:
  Json whole_file(const Object& root, std::string_view title) {
    Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", title}};
    schema.update(schema_of(root));
    schema["definitions"] = std::move(definitions_);
    return schema;
  }

 private:
  static std::string definition_name(const Object& object) {
    std::string name(object.name);
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
  }

  // What stands beside a reference is for readers alone, as draft-07 has it.
  Json reference(const Object& object) {
    const std::string name = definition_name(object);
    if (!definitions_.contains(name)) {
      definitions_[name] = Json::object();  // so that an object may contain its like
      definitions_[name] = schema_of(object);
    }
    return {{"$ref", concat("#/definitions/", name)}};
  }

  Json schema_of(const Object& object) {
    Json schema{{"type", "object"}, {"properties", properties(object)}, {"additionalProperties", false}};
    if (Json required = required_of(object); !required.empty()) {
      schema["required"] = std::move(required);
    }
    if (!object.instead.empty()) {
      schema.update(either(object));
    }
    add_alternatives(object, schema);
    return schema;
  }

  Json properties(const Object& object) {
    Json all = Json::object();
    for (const Object* one = &object; one != nullptr; one = one->includes) {
      for (const Key& key : one->keys) {
        all[std::string(key.name)] = value(key);
      }
    }
    return all;
  }

  static Json required_of(const Object& object) {
    Json names = Json::array();
    for (const Key& key : object.keys) {
      if (key.need == Need::kRequired) {
        names.push_back(key.name);
      }
    }
    return names;
  }

  static Json each_required(std::span<const std::string_view> keys) {
    Json list = Json::array();
    for (const std::string_view key : keys) {
      list.push_back({{"required", {key}}});
    }
    return list;
  }

  static void add_alternatives(const Object& object, Json& schema) {
    if (!object.alternatives.keys.empty()) {
      schema[object.alternatives.together ? "anyOf" : "oneOf"] = each_required(object.alternatives.keys);
    }
  }

  // The included object's own rules, unless the key stands there that is for all of it.
  static Json either(const Object& object) {
    std::vector<std::string_view> included = object.includes->key_names();
    Json otherwise{{"required", required_of(*object.includes)}};
    add_alternatives(*object.includes, otherwise);
    return {{"if", {{"required", {object.instead}}}},
            {"then", {{"not", {{"anyOf", each_required(included)}}}}},
            {"else", std::move(otherwise)}};
  }

  Json value(const Key& key) {
    Json schema = shape(key);
    schema["description"] = description(key);
    if (!key.otherwise.text.empty()) {
      schema["default"] = scalar(key, key.otherwise.text);
    }
    return schema;
  }

  static std::string description(const Key& key) {
    std::string text = concat(key.doc, "; accepted is ", key.accepted);
    if (key.otherwise.is_known()) {
      text += concat("; without it ", key.otherwise.shown());
      if (!key.otherwise.row.empty()) {
        text += concat(" (reference ", key.otherwise.row, "; ", name(key.otherwise.confidence), ")");
      }
    }
    return text;
  }

  static Json scalar(const Key& key, std::string_view text) {
    if (key.shape == Shape::kCount) {
      return *parse_count(text);
    }
    return text;
  }

  static Json text_like(std::string pattern) { return {{"type", "string"}, {"pattern", std::move(pattern)}}; }

  // One, or a list of them.
  static Json one_or_list(Json one) {
    Json schema = one;
    schema["type"] = {"string", "array"};
    schema["items"] = std::move(one);
    schema["minItems"] = 1;
    return schema;
  }

  static Json name_of(const Key& key) {
    Json schema{{"type", {"string", "integer"}}, {"pattern", name_pattern()}, {"minimum", 0}};
    if (key.most != std::numeric_limits<uint64_t>::max()) {
      schema["maxLength"] = key.most;
    }
    return schema;
  }

  // As a number, or as the digits of one; a limit means nothing to a text, and a pattern nothing to a number.
  static Json count(const Key& key) {
    Json schema{{"type", {"integer", "string"}}, {"minimum", key.least}, {"pattern", count_pattern()}};
    if (key.most != std::numeric_limits<uint64_t>::max()) {
      schema["maximum"] = key.most;
    }
    return schema;
  }

  static Json choice(const Key& key) {
    Json values = Json::array();
    for (const std::string_view one : key.choices) {
      if (one == "true" || one == "false") {
        values.push_back(one == "true");
      }
      values.push_back(one);
    }
    return {{"enum", std::move(values)}};
  }

  Json map_by_name(const Key& key) {
    Json schema{{"type", "object"},
                {"propertyNames", {{"pattern", name_pattern()}, {"maxLength", key.most}}},
                {"additionalProperties", reference(*key.object)}};
    if (key.least > 0) {
      schema["minProperties"] = key.least;
    }
    return schema;
  }

  static Json sysctls() {
    return {{"type", "object"},
            {"propertyNames", {{"pattern", sysctl_name_pattern()}}},
            {"additionalProperties",
             {{"type", any_scalar()}, {"pattern", "^[^\\r\\n]+$"}, {"maxLength", kLongestSysctlValue}}}};
  }

  static Json macs_by_address() {
    return {{"type", "object"},
            {"propertyNames", {{"pattern", address_pattern()}}},
            {"additionalProperties", text_like(mac_pattern())}};
  }

  Json shape(const Key& key) {
    switch (key.shape) {
      case Shape::kName:
        return name_of(key);
      case Shape::kText:
        return {{"type", any_scalar()}, {"minLength", 1}};
      case Shape::kTextList:
        return one_or_list({{"type", "string"}});
      case Shape::kHostNames:
        return one_or_list(text_like(dns_name_pattern()));
      case Shape::kPciAddress:
        return text_like(pci_address_pattern());
      case Shape::kDevice:
        return text_like(device_pattern());
      case Shape::kSysctls:
        return sysctls();
      case Shape::kCount:
        return count(key);
      case Shape::kDuration:
        return text_like(duration_pattern());
      case Shape::kProbability:
        return {{"type", {"string", "number"}}, {"pattern", probability_pattern()}, {"minimum", 0}, {"maximum", 1}};
      case Shape::kRate:
        return text_like(rate_pattern());
      case Shape::kAddress:
        return text_like(address_pattern());
      case Shape::kAddresses:
        return one_or_list(text_like(address_range_pattern()));
      case Shape::kPrefix:
        return text_like(prefix_pattern(key.least, key.most));
      case Shape::kMacByAddress:
        return macs_by_address();
      default:
        return of_objects(key);
    }
  }

  Json of_objects(const Key& key) {
    switch (key.shape) {
      case Shape::kChoiceBySide:
        return {{"if", {{"type", "object"}}}, {"then", reference(*key.object)}, {"else", choice(key)}};
      case Shape::kObject:
        return reference(*key.object);
      case Shape::kObjectByName:
        return map_by_name(key);
      case Shape::kObjectList:
        return {{"type", "array"}, {"items", reference(*key.object)}};
      default:
        return choice(key);
    }
  }

  Json definitions_ = Json::object();
};

}  // namespace

std::string json_schema(const Object& root, std::string_view title) {
  return Writer().whole_file(root, title).dump(2);
}

}  // namespace lapse::topology
