#include "totem/process/last_words.h"

#include <chrono>
#include <csignal>

#include <fmt/format.h>

#include "totem/core/check.h"
#include "totem/process/process.h"

namespace totem::process {

namespace {

Log* log_of_check = nullptr;

void on_failed_check(const CheckFailure& failure) {
    if (log_of_check != nullptr) {
        log_of_check->write(Severity::kEmerg, "MAIN",
                            fmt::format("internal error: {} is false at {}:{}", failure.expression,
                                        failure.file, failure.line));
        constexpr std::chrono::seconds kLastWords{5};
        constexpr int kAborted = 128 + SIGABRT;  // as a shell would show it
        end_within(kLastWords, kAborted);
        log_of_check->flush();
    }
}

}  // namespace

LastWords::LastWords(Log& log) {
    log_of_check = &log;
    set_check_handler(on_failed_check);
}

LastWords::~LastWords() {
    set_check_handler(nullptr);
    log_of_check = nullptr;
}

}  // namespace totem::process
