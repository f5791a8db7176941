// prompt.h - a person in a lab's shell sees where they are.
//
// Owner:    the caller.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, section 8: shell.
#pragma once

#include <cstdlib>
#include <string>

#include "control/lab/process.h"

namespace lapse::lab {

// "(nat-gateway:app) " before the prompt. A shell's start file may set the prompt again, so bash is told to put it
// there before each one; others take PS1 as it is.
inline void add_prompt_hint(Environment& environment, const std::string& lab, const std::string& host) {
  const std::string hint = "(" + lab + ":" + host + ") ";
  environment["PROMPT_COMMAND"] = "case $PS1 in \"" + hint + "\"*) ;; *) PS1=\"" + hint + "$PS1\" ;; esac";
  environment["PS1"] = hint + "$ ";
}

// The caller's own, or /bin/sh.
inline std::string own_shell() {
  const char* shell = std::getenv("SHELL");
  return shell != nullptr && *shell != '\0' ? shell : "/bin/sh";
}

}  // namespace lapse::lab
