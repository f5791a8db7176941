#include "sim/scenario/switchboard.h"

#include "sim/scenario/client.h"

namespace lapse::sim {

void Switchboard::serve(Host& host, Be16 port, Service service) {
  host.listen(port, [this, service = std::move(service)](TcpSocket& socket) -> TcpUser* {
    const auto caller = callers_.find(socket.peer_initial_sequence());
    if (caller == callers_.end()) {
      return nullptr;  // nobody's any more: it is reset
    }
    Responder& responder = service(*caller->second);
    caller->second->accepted_by(responder);
    return &responder;
  });
}

}  // namespace lapse::sim
