#include "control/topology/document.h"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

constexpr std::string_view kMergeKey = "<<";

size_t size_of(const Node& node) {
  size_t size = 1;
  for (const Node& item : node.items) {
    size += size_of(item);
  }
  for (const Entry& entry : node.entries) {
    size += size_of(entry.value);
  }
  return size;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file_name, Report& report) : file_name_(file_name), report_(report) {}

  Node take_root() { return std::move(root_); }
  bool has_root() const { return has_root_; }
  const Place& last_quoted() const { return last_quoted_; }  // line 0 when the last scalar was not quoted
  Place place(const YAML::Mark& mark) const { return {file_name_, mark.line + 1, mark.column + 1}; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add_leaf(make(Node::Kind::kNothing, mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    Node node = make(Node::Kind::kText, mark);
    node.text = value;
    plain_ = tag == "?" || tag.empty();
    last_quoted_ = tag == "!" ? node.place : Place{};
    add_leaf(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto anchored = anchors_.find(anchor);
    if (anchored == anchors_.end()) {
      throw YAML::ParserException(mark, "an alias inside of what it stands for");
    }
    count_nodes(mark, anchored->second.second);
    plain_ = false;
    add(Node(anchored->second.first));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    merge(stack_.back());
    close();
  }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;
    bool key_is_text = false;
    bool key_is_merge = false;
    std::string key;
    Place key_place;
    std::vector<Node> merges;
  };

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    count_nodes(mark, 1);
    Node node;
    node.kind = kind;
    node.place = place(mark);
    return node;
  }

  void count_nodes(const YAML::Mark& mark, size_t more) {
    nodes_ += more;
    if (nodes_ > kMostNodes) {
      throw YAML::ParserException(mark, concat("more than ", std::to_string(kMostNodes), " values"));
    }
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    static constexpr std::array<std::string_view, 9> kPlainTags = {"",
                                                                   "?",
                                                                   "!",
                                                                   "tag:yaml.org,2002:str",
                                                                   "tag:yaml.org,2002:int",
                                                                   "tag:yaml.org,2002:bool",
                                                                   "tag:yaml.org,2002:null",
                                                                   "tag:yaml.org,2002:map",
                                                                   "tag:yaml.org,2002:seq"};
    if (std::find(kPlainTags.begin(), kPlainTags.end(), tag) == kPlainTags.end()) {
      report_.error(place(mark), "", concat("a YAML tag has no meaning here (", shown(tag), "); leave it out"));
    }
  }

  void add_leaf(Node node, YAML::anchor_t anchor) {
    remember(node, anchor);
    add(std::move(node));
  }

  void remember(const Node& node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      anchors_.insert_or_assign(anchor, std::pair(node, size_of(node)));
    }
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(mark, tag);
    Frame frame;
    frame.node = make(kind, mark);
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    remember(frame.node, frame.anchor);
    plain_ = false;
    add(std::move(frame.node));
  }

  void add(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      has_root_ = true;
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == Node::Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      take_key(frame, node);
    } else {
      frame.has_key = false;
      take_value(frame, std::move(node));
    }
  }

  void take_key(Frame& frame, const Node& node) {
    frame.has_key = true;
    frame.key_place = node.place;
    frame.key_is_text = node.kind == Node::Kind::kText;
    frame.key_is_merge = frame.key_is_text && plain_ && node.text == kMergeKey;
    frame.key = node.text;
    if (!frame.key_is_text) {
      report_.error(node.place, "", concat("a key must be text, found ", describe(node)));
    }
  }

  void take_value(Frame& frame, Node value) {
    if (!frame.key_is_text) {
      return;
    }
    if (frame.key_is_merge) {
      take_merge(frame, std::move(value));
      return;
    }
    if (value.kind == Node::Kind::kNothing) {
      // The parser's mark of an absent value is where the next thing begins.
      value.place = frame.key_place;
    }
    if (const Entry* first = frame.node.find(frame.key)) {
      report_.error(frame.key_place, path(), concat("given twice; first in line ", std::to_string(first->place.line)));
      return;
    }
    frame.node.entries.push_back({frame.key, frame.key_place, std::move(value)});
  }

  // The way to the value that is being read.
  std::string path() const {
    std::string text;
    for (const Frame& frame : stack_) {
      const bool in_list = frame.node.kind == Node::Kind::kList;
      text += concat(text.empty() ? "" : ".", in_list ? std::to_string(frame.node.items.size()) : shown(frame.key));
    }
    return text;
  }

  void take_merge(Frame& frame, Node value) {
    std::vector<Node> maps;
    if (value.kind == Node::Kind::kList) {
      maps = std::move(value.items);
    } else {
      maps.push_back(std::move(value));
    }
    for (Node& map : maps) {
      if (map.kind == Node::Kind::kMap) {
        frame.merges.push_back(std::move(map));
      } else {
        report_.error(frame.key_place, kMergeKey, concat("takes an alias of a map, found ", describe(map)));
      }
    }
  }

  // What the map says itself wins over what is merged in, and an earlier merge over a later one.
  static void merge(Frame& frame) {
    for (Node& map : frame.merges) {
      for (Entry& entry : map.entries) {
        if (frame.node.find(entry.key) == nullptr) {
          frame.node.entries.push_back(std::move(entry));
        }
      }
    }
  }

  const std::string& file_name_;
  Report& report_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, std::pair<Node, size_t>> anchors_;
  Node root_;
  bool has_root_ = false;
  bool plain_ = false;  // the scalar last seen was neither quoted nor tagged
  Place last_quoted_;
  size_t nodes_ = 0;
};

class SecondDocument final : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> mark;

  void OnDocumentStart(const YAML::Mark& start) override { mark = start; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// The parser takes a line's end at the end of the file for the end of a quoted text, which begins at 'place'.
bool is_quote_open(const std::string& text, const Place& place) {
  size_t at = 0;
  for (int line = 1; line < place.line && at != std::string::npos; ++line) {
    at = text.find('\n', at);
    at = at == std::string::npos ? at : at + 1;
  }
  at += static_cast<size_t>(place.column - 1);
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) {
    return false;
  }
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    const bool doubled = quote == '\'' && text.compare(at, 2, "\'\'") == 0;
    if (doubled || (quote == '"' && text[at] == '\\')) {
      ++at;
    } else if (text[at] == quote) {
      return false;
    }
  }
  return true;
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

Entry* Node::find(std::string_view key) {
  return const_cast<Entry*>(std::as_const(*this).find(key));
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNothing:
      return "nothing";
    case Node::Kind::kText:
      return concat("text (", shown(node.text), ")");
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "";
}

std::optional<Node> parse_document(const std::string& text, const std::string& file_name, Report& report) {
  TreeBuilder builder(file_name, report);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    SecondDocument second;
    if (parser.HandleNextDocument(second)) {
      report.error(second.mark ? builder.place(*second.mark) : Place{file_name}, "",
                   "a second YAML document begins; one file holds one topology");
    }
  } catch (const YAML::Exception& exception) {
    const Place place = exception.mark.is_null() ? Place{file_name} : builder.place(exception.mark);
    report.error(place, "", concat("not YAML: ", exception.msg));
    return std::nullopt;
  }
  if (const Place& quoted = builder.last_quoted(); quoted.line > 0 && is_quote_open(text, quoted)) {
    report.error(quoted, "", "not YAML: the quoted text that begins here does not end");
    return std::nullopt;
  }
  if (!builder.has_root()) {
    report.error({file_name}, "", "the file is empty; a topology needs links, boxes and hosts");
    return std::nullopt;
  }
  return builder.take_root();
}

}  // namespace lapse::topology
