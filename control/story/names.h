// names.h - tuples, flows and boxes in the words of the topology file.
//
// Owner:    none; pure functions of a directory.
// Memory:   ordinary.
// Time:     none.
// Bytes:    tuples in wire order.
// Cost:     none.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <string>

#include "control/story/conversation.h"
#include "control/topology/directory.h"

namespace lapse::story {

std::string protocol_name(uint8_t protocol);  // "tcp", "udp", "icmp", "ip 47"

// "natgw"; "box 3" where the directory knows no better.
std::string box_name(BoxId box, const topology::Directory& directory);
std::string side_name(BoxId box, Side side, const topology::Directory& directory);
std::string link_name(LinkId link, const topology::Directory& directory);

// "app:40000"; without a port: "app".
std::string endpoint_name(Ipv4Address address, Be16 port, const topology::Directory& directory);
std::string endpoint_address(Ipv4Address address, Be16 port);

// "tcp app:40000 > api:8080", "icmp app > api id 7".
std::string tuple_name(const FiveTuple& tuple, const topology::Directory& directory);

// "natgw/17.3".
std::string flow_name(const FlowKey& flow, const topology::Directory& directory);

// "app": an end without its port.
std::string end_name(const Conversation& conversation, End end, const topology::Directory& directory);

}  // namespace lapse::story
