# Boost.Asio and Boost.Beast compiled once (BOOST_ASIO_SEPARATE_COMPILATION, see options.cmake).
add_library(keyledger_asio STATIC cmake/asio_impl.cc)
target_link_libraries(keyledger_asio PUBLIC Boost::headers OpenSSL::SSL Threads::Threads PRIVATE keyledger_options)
