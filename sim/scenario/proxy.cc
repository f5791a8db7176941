#include "sim/scenario/proxy.h"

#include "absl/strings/str_cat.h"

#include "control/story/text.h"

namespace lapse::sim {
namespace {

constexpr uint64_t kErrorPage = 150;  // bytes of an answer of the proxy's own

uint64_t status_of(const std::string& error) {
  return error == "TIMEOUT" ? kStatusGatewayTimeout : kStatusBadGateway;
}

}  // namespace

// A client's connection. Requests on it are dealt with one after the other.
class Proxy::Leg final : public Responder {
 public:
  explicit Leg(Proxy& proxy)
      : Responder(proxy.switchboard_->ground(), {.idle_timeout = proxy.settings_.idle_timeout}), proxy_(proxy) {}

  void expect(ExchangePtr exchange) override {
    expected_ += exchange->request.size;
    waiting_.push_back({std::move(exchange), expected_});
    on_received();
  }
  void on_end() override {
    Responder::on_end();
    client_left();
  }
  void on_error(const std::string& error) override {
    Responder::on_error(error);
    client_left();
  }

 private:
  struct Asked {
    ExchangePtr exchange;
    uint64_t complete_at;  // bytes received by when the request is there
  };

  bool busy() const override { return upstream_ != nullptr; }

  void on_received() override {
    if (upstream_ == nullptr && !waiting_.empty() && received() >= waiting_.front().complete_at) {
      started_ = now();
      Request request = waiting_.front().exchange->request;
      request.timeout = proxy_.settings_.timeout;
      const auto exchange = std::make_shared<Exchange>(request);
      upstream_ = exchange;
      proxy_.upstream_.ask(exchange,
                           [this](const ExchangePtr& answer, const std::string& error) { finish(*answer, error); });
    }
  }

  void finish(const Exchange& answer, const std::string& error) {
    upstream_.reset();
    if (waiting_.empty()) {
      return;  // the client has left, and its line is written
    }
    Exchange& asked = *waiting_.front().exchange;
    asked.status = error.empty() ? answer.status : status_of(error);
    asked.response = error.empty() ? answer.response : kErrorPage;
    log(asked.status);
    send(asked.response);
    waiting_.pop_front();
    on_received();
  }

  void client_left() {
    if (upstream_ != nullptr && !waiting_.empty()) {
      log(kStatusClientGone);
      if (proxy_.settings_.abandons) {
        proxy_.upstream_.give_up(upstream_);
        upstream_.reset();
      }
    }
    waiting_.clear();
  }

  void log(uint64_t status) { proxy_.log_.push_back({now(), status, now() - started_}); }

  Proxy& proxy_;
  std::deque<Asked> waiting_;
  uint64_t expected_ = 0;
  Instant started_{};
  ExchangePtr upstream_;  // what the proxy itself has asked; null: nothing
};

Proxy::Proxy(Switchboard& switchboard, const OpenProxy& settings)
    : switchboard_(&switchboard), settings_(settings), upstream_(switchboard, settings.upstream, settings.pool) {}

Proxy::~Proxy() = default;

Responder& Proxy::accept() {
  return *legs_.emplace_back(std::make_unique<Leg>(*this));
}

std::string to_string(const Proxy::Line& line) {
  return absl::StrCat(line.status, " after ", story::exact(line.took), " at ",
                      story::exact(line.at.time_since_epoch()));
}

}  // namespace lapse::sim
