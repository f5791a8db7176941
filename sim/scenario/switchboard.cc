#include "sim/scenario/switchboard.h"

#include "sim/scenario/client.h"

namespace lapse::sim {

void Switchboard::serve(const std::string& host, Be16 port, Service service) {
  ground_->listen(host, port, [this, service = std::move(service)](Connection& connection) -> ConnectionUser* {
    const auto caller = callers_.find(connection.id());
    if (caller == callers_.end()) {
      return nullptr;  // nobody's any more: it is reset
    }
    Responder& responder = service(*caller->second);
    caller->second->accepted_by(responder);
    return &responder;
  });
}

}  // namespace lapse::sim
