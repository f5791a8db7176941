#!/usr/bin/env python3
"""caught.py PROGRAM MUTANT TEST: succeeds when TEST of PROGRAM fails because the flow table makes the mistake MUTANT.

A failed expectation, an assertion of the table, a crash in the midst of the test and a report of a sanitizer all count.
A program that does not get as far as the test, or passes it, has caught nothing.
"""
import os
import signal
import subprocess
import sys

FAILED_EXPECTATION = 1
THREAD_SANITIZER = 66
CRASHES = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS)


def main():
    program, mutant, test = sys.argv[1:]
    environment = dict(os.environ, LAPSE_FLOW_MUTANT=mutant, LAPSE_STRESS_SECONDS="15")
    environment["TSAN_OPTIONS"] = "halt_on_error=1:" + environment.get("TSAN_OPTIONS", "")
    run = subprocess.run([program, "--gtest_filter=" + test], env=environment, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    print(run.stdout[-4000:])
    began = "[ RUN      ] " + test.replace("*", "") in run.stdout
    if began and run.returncode in (FAILED_EXPECTATION, THREAD_SANITIZER, *CRASHES):
        print(f"{mutant}: caught, status {run.returncode}")
        return 0
    print(f"{mutant}: {test} did not catch it, status {run.returncode}")
    return 1


sys.exit(main())
