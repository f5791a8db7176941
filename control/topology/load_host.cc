#include <utility>

#include "control/topology/loader.h"
#include "control/topology/text.h"

namespace lapse::topology {
namespace {

constexpr std::string_view kSingleInterface = "eth0";

bool has_inline_attachment(const ObjectReader& reader) {
  for (const Key& key : kAttachmentObject.keys) {
    if (reader.has(key.name)) {
      return true;
    }
  }
  return false;
}

// An interface's name goes to the kernel, which has one of its own in every namespace.
void check_interface_name(const ObjectReader& reader, const Entry& entry) {
  if (entry.key == "lo") {
    reader.error(entry.place, concat("interfaces.", entry.key),
                 "the name of the loopback interface (lo); take another");
  }
}

void load_interfaces(ObjectReader& reader, Host& host, Draft& draft) {
  const std::vector<const Entry*> entries = reader.named_entries("interfaces");
  if (!reader.has("interfaces")) {
    return;
  }
  for (const Entry* entry : entries) {
    check_interface_name(reader, *entry);
    ObjectReader interface(entry->value, kAttachmentObject, reader.path_of(concat("interfaces.", shown(entry->key))),
                           entry->place, reader.report());
    if (auto attachment = load_attachment(interface, host.name, entry->key, draft)) {
      host.interfaces[entry->key] = *std::move(attachment);
    }
  }
}

void load_attachments(ObjectReader& reader, const Entry& entry, Host& host, Draft& draft) {
  const bool is_inline = has_inline_attachment(reader);
  const bool has_interfaces = reader.has("interfaces");
  if (is_inline && has_interfaces) {
    reader.error(entry.value.find("interfaces")->place, "interfaces",
                 "stands beside an attachment of the host itself; accepted is one of the two");
  }
  if (!is_inline && !has_interfaces && reader.is_map()) {
    reader.report().error(entry.place, reader.path(),
                          "the host is attached to nothing; accepted is link: LINK, address: ADDRESS, or interfaces");
  }
  load_interfaces(reader, host, draft);
  if (is_inline) {
    if (!reader.has("link")) {
      reader.report().error(entry.place, reader.path(), "link is missing; accepted is the name of a link");
    }
    if (auto attachment = load_attachment(reader, host.name, "", draft)) {
      host.interfaces[std::string(kSingleInterface)] = *std::move(attachment);
    }
    return;
  }
  // Without an attachment of its own the host's table still knows these keys.
  for (const Key& key : kAttachmentObject.keys) {
    reader.set_aside(key.name);
  }
}

void load_names(ObjectReader& reader, Host& host, Draft& draft) {
  for (const Said<std::string>& name : reader.texts("names")) {
    if (const absl::Status status = check_dns_name(name.value); !status.ok()) {
      reader.error(name.place, "names",
                   concat(std::string(status.message()), "; accepted is one like api.example.com"));
      continue;
    }
    host.names.push_back(name.value);
    draft.alias_places[host.name].push_back(name.place);
  }
}

void load_sysctls(ObjectReader& reader, Host& host) {
  const Entry* sysctls = reader.entry("sysctls");
  if (sysctls == nullptr) {
    return;
  }
  for (const Entry& entry : sysctls->value.entries) {
    const std::string path = concat("sysctls.", shown(entry.key));
    if (const absl::Status status = check_sysctl_name(entry.key); !status.ok()) {
      reader.error(entry.place, path,
                   concat(std::string(status.message()), "; accepted is one like net.ipv4.tcp_keepalive_time"));
      continue;
    }
    const std::string& text = entry.value.text;
    const bool writable = text.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos && text.size() < 4096;
    if (entry.value.kind != Node::Kind::kText || text.empty() || !writable) {
      reader.error(entry.value.place, path,
                   concat("not a sysctl's value, found ", describe(entry.value), "; accepted is one line of text"));
      continue;
    }
    host.sysctls[entry.key] = text;
    host.sysctl_places[entry.key] = entry.value.place;
  }
}

void load_ready(ObjectReader& reader, Host& host) {
  const Entry* ready = reader.entry("ready");
  if (ready == nullptr) {
    return;
  }
  ObjectReader ready_reader(ready->value, kReadyObject, reader.path_of("ready"), ready->place, reader.report());
  if (const auto port = ready_reader.count("tcp")) {
    host.ready.tcp = static_cast<uint16_t>(port->value);
  }
  if (!reader.has("run")) {
    reader.error(ready->place, "ready", "nothing to wait for: the host has no run");
  }
}

Host load_host(const Entry& entry, const std::string& path, Draft& draft, Report& report) {
  ObjectReader reader(entry.value, kHostObject, path, entry.place, report);
  Host host;
  host.name = entry.key;
  host.place = entry.place;
  load_attachments(reader, entry, host, draft);
  load_names(reader, host, draft);
  load_sysctls(reader, host);
  if (auto run = reader.text("run")) {
    host.run = std::move(run->value);
  }
  load_ready(reader, host);
  return host;
}

}  // namespace

void load_hosts(ObjectReader& file, Draft& draft) {
  for (const Entry* entry : file.named_entries("hosts")) {
    draft.names.push_back({entry->key, "host", entry->place});
    const std::string path = concat("hosts.", shown(entry->key));
    draft.topology.hosts.push_back(load_host(*entry, path, draft, file.report()));
  }
}

}  // namespace lapse::topology
