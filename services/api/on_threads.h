#pragma once

#include <type_traits>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace keyledger::api {

template <typename Work>
boost::asio::awaitable<std::invoke_result_t<Work>> call(Work work) {
  co_return work();
}

/// Runs `work` on the pool's threads; the caller resumes on its own executor.
template <typename Work>
boost::asio::awaitable<std::invoke_result_t<Work>> on_threads(boost::asio::thread_pool& threads,
                                                              Work work) {
  co_return co_await boost::asio::co_spawn(threads, call(std::move(work)),
                                           boost::asio::use_awaitable);
}

}  // namespace keyledger::api
