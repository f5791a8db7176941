// icmp_quote.h - the packet that an ICMP error quotes: whose flow it is, and how it is translated.
//
// Owner:    none; functions of a parsed packet of the kind kIcmpError.
// Memory:   none.
// Time:     none.
// Bytes:    wire order; a quote may end 8 bytes behind its IP header, and checksums beyond that are left alone.
// Cost:     quote_is_sound() and the rewrites sum up the whole message: errors are rare.
// Lifetime: none.
// Spec:     RFC 792, RFC 5508 section 4 (REQ-3 to REQ-5), RFC 4884.
#pragma once

#include "dataplane/packet.h"

namespace lapse {

// RFC 5508 REQ-3: the checksums of the message and of the quoted IP header are right. The quoted packet was sent by
// whom the error is addressed to, and is neither a later fragment, whose flow nobody can know, nor an error itself.
bool quote_is_sound(const Packet& error);

// Of packets of the quoted one's flow that travel as the error does: the other way. Of an error that is not sound it is
// some flow's, or nobody's.
FiveTuple tuple_of_quoted_flow(const Packet& error);

// One end of the quoted packet, with its IP and transport checksums and then the message's own. The port is the query
// identifier of a quoted echo.
void rewrite_quoted_source(Packet& error, Ipv4Address address, Be16 port);
void rewrite_quoted_destination(Packet& error, Ipv4Address address, Be16 port);

}  // namespace lapse
