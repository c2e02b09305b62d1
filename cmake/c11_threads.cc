#include <memory>
#include <pthread.h>
#include <threads.h>

// The thread sanitizer knows no thread that C11's thrd_create() made, and crashes in it. librdkafka
// makes all of its threads so; in a program with this file they are made by pthread_create().

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* run(void* given) {
  const std::unique_ptr<Start> start(static_cast<Start*>(given));
  start->function(start->argument);
  return nullptr;
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(function, argument);
  if (pthread_create(thread, nullptr, run, start.get()) != 0) return thrd_error;
  static_cast<void>(start.release());
  return thrd_success;
}

int thrd_join(thrd_t thread, int* result) {
  if (result != nullptr) *result = 0;
  return pthread_join(thread, nullptr) == 0 ? thrd_success : thrd_error;
}

}  // extern "C"
