#define BOOST_TEST_MODULE rocks
#include "store/rocks.hpp"
#include "support/boost_test.hpp"

#include <rocksdb/db.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;
using cheops::errc;
using cheops::ports::batch;
using cheops::ports::family;
using cheops::store::rocks;

namespace {

struct in_a_folder {
  in_a_folder() {
    auto name = (fs::temp_directory_path() / "cheops-rocks-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    top = name;
    folder = top / "store";
  }
  ~in_a_folder() { fs::remove_all(top); }

  [[nodiscard]] cheops::result<std::unique_ptr<rocks>> try_open() const {
    cheops::store::rocks_options with;
    with.folder = folder.string();
    return rocks::open(with);
  }
  [[nodiscard]] std::unique_ptr<rocks> open() const {
    auto out = try_open();
    BOOST_REQUIRE_MESSAGE(out, to_string(out.error()));
    return std::move(*out);
  }

  fs::path top;
  fs::path folder;
};

batch put(family in, std::string key, std::string value) {
  return {{{in, std::move(key), std::move(value)}}};
}

void commit(rocks& to, const std::vector<batch>& all) {
  auto done = to.commit(all);
  BOOST_REQUIRE_MESSAGE(done, to_string(done.error()));
}

std::optional<std::string> get(const rocks& from, family in,
                               std::string_view key) {
  auto out = from.get(in, key);
  BOOST_REQUIRE_MESSAGE(out, to_string(out.error()));
  return *out;
}

std::string keys(const rocks& from, std::string_view prefix,
                 std::string_view at = "") {
  std::string out;
  auto done = from.scan(family::log, prefix, at, [&](auto key, auto value) {
    out += std::string{key} + "=" + std::string{value} + " ";
    return out.size() < 1000;
  });
  BOOST_REQUIRE_MESSAGE(done, to_string(done.error()));
  return out;
}

/// The largest of the write-ahead logs.
fs::path log_file(const fs::path& folder) {
  fs::path out;
  std::uintmax_t size = 0;
  for (const auto& x : fs::directory_iterator{folder})
    if (x.path().extension() == ".log" && x.file_size() > size) {
      out = x.path();
      size = x.file_size();
    }
  BOOST_REQUIRE(!out.empty());
  return out;
}

void overwrite(const fs::path& file, std::uintmax_t at, std::size_t bytes) {
  std::fstream out{file, std::ios::in | std::ios::out | std::ios::binary};
  out.seekp(static_cast<std::streamoff>(at));
  out << std::string(bytes, '\x5a');
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(store, in_a_folder)

BOOST_AUTO_TEST_CASE(what_was_committed_is_there_after_reopening) {
  std::string id;
  {
    auto x = open();
    id = x->id();
    commit(*x, {put(family::hard, "k", "1"), put(family::log, "k", "2")});
    commit(*x, {put(family::hard, "k", "3"), {{{family::log, "k", {}}}}});
  }
  auto x = open();
  BOOST_TEST(x->id() == id);
  BOOST_TEST(get(*x, family::hard, "k").value_or("none") == "3");
  BOOST_TEST(!get(*x, family::log, "k").has_value());
  BOOST_TEST(!get(*x, family::group, "k").has_value());
}

BOOST_AUTO_TEST_CASE(later_batches_win_over_earlier_ones) {
  auto x = open();
  commit(*x, {put(family::site, "k", "1"), put(family::site, "k", "2")});
  BOOST_TEST(get(*x, family::site, "k").value_or("none") == "2");
}

BOOST_AUTO_TEST_CASE(scan_stays_in_its_prefix_and_begins_where_told) {
  using namespace std::string_literals;
  auto x = open();
  commit(*x, {put(family::log, "a", "0"), put(family::log, "b"s, "1"),
              put(family::log, "b\0"s, "2"), put(family::log, "b\xff", "3"),
              put(family::log, "c", "4"), put(family::base, "b5", "5")});
  BOOST_TEST(keys(*x, "b") == "b=1 b\0=2 b\xff=3 "s);
  BOOST_TEST(keys(*x, "b", "\1") == "b\xff=3 ");
  BOOST_TEST(keys(*x, "d").empty());
  std::size_t seen = 0;
  BOOST_TEST(
    x->scan(family::log, "", "", [&](auto, auto) { return ++seen < 2; })
      .has_value());
  BOOST_TEST(seen == 2);
}

BOOST_AUTO_TEST_CASE(a_lost_folder_comes_back_under_another_id) {
  auto id = open()->id();
  BOOST_TEST(id.size() == 32);
  fs::remove_all(folder);
  BOOST_TEST(open()->id() != id);
}

BOOST_AUTO_TEST_CASE(the_folder_is_for_its_owner_alone) {
  fs::create_directory(folder);
  ::chmod(folder.c_str(), 0755);
  auto x = open();
  struct stat is {};
  BOOST_REQUIRE(::stat(folder.c_str(), &is) == 0);
  BOOST_TEST((is.st_mode & 0777) == 0700);
}

BOOST_AUTO_TEST_CASE(a_folder_in_use_is_refused_with_the_way_out) {
  auto x = open();
  auto again = try_open();
  BOOST_REQUIRE(!again);
  BOOST_TEST((again.error().code == errc::io));
  BOOST_TEST(again.error().what.find(folder.string()) != std::string::npos);
  BOOST_TEST(again.error().hint.find("another process") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_refused) {
  folder = top / "missing" / "store";
  auto x = try_open();
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::io));
}

BOOST_AUTO_TEST_CASE(a_torn_end_of_the_log_is_forgotten_alone) {
  {
    auto x = open();
    commit(*x, {put(family::hard, "kept", "1")});
    commit(*x, {put(family::hard, "torn", std::string(1000, 'x'))});
  }
  auto wal = log_file(folder);
  fs::resize_file(wal, fs::file_size(wal) - 500);
  auto x = open();
  BOOST_TEST(get(*x, family::hard, "kept").value_or("none") == "1");
  BOOST_TEST(!get(*x, family::hard, "torn").has_value());
}

BOOST_AUTO_TEST_CASE(a_log_that_is_damaged_elsewhere_is_refused) {
  {
    auto x = open();
    for (int i = 0; i < 100; ++i)
      commit(*x, {put(family::hard, std::to_string(i), std::string(500, 'x'))});
  }
  auto wal = log_file(folder);
  overwrite(wal, fs::file_size(wal) / 2, 200);
  auto x = try_open();
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::io));
  BOOST_TEST(x.error().hint.find("damaged") != std::string::npos);
}

/// What a process sees whose disk fills up; its exit status.
int live_through_a_full_disk(const in_a_folder& here) {
  auto opened = here.try_open();
  if (!opened)
    return 1;
  auto& x = **opened;
  if (!x.commit(std::array{put(family::hard, "before", "1")}))
    return 2;
  // A file may not grow beyond this: the write fails as on a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit is{};
  ::getrlimit(RLIMIT_FSIZE, &is);
  rlimit small{64U << 10, is.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto big = put(family::hard, "during", std::string(1U << 20, 'x'));
  auto failed = x.commit(std::array{big});
  ::setrlimit(RLIMIT_FSIZE, &is);
  if (failed || failed.error().code != errc::io)
    return 3;
  if (x.commit(std::array{put(family::hard, "after", "1")}))
    return 4;
  auto read = x.get(family::hard, "before");
  if (!read || *read != "1")
    return 5;
  opened->reset();
  return 0;
}

BOOST_AUTO_TEST_CASE(a_full_disk_fails_this_commit_and_all_that_follow) {
  auto child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0)
    ::_exit(live_through_a_full_disk(*this));
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0);
  auto x = open();
  BOOST_TEST(get(*x, family::hard, "before").value_or("none") == "1");
  BOOST_TEST(!get(*x, family::hard, "during").has_value());
  BOOST_TEST(!get(*x, family::hard, "after").has_value());
  commit(*x, {put(family::hard, "after", "1")});
}

BOOST_AUTO_TEST_CASE(what_was_acknowledged_survives_a_kill) {
  std::array<int, 2> acks{};
  BOOST_REQUIRE(::pipe(acks.data()) == 0);
  auto child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    auto x = try_open();
    for (unsigned char i = 0; x && i < 255; ++i)
      if (!(*x)->commit(std::array{
            put(family::log, {static_cast<char>(i)}, std::string(100, 'v'))})
          || ::write(acks[1], &i, 1) != 1)
        break;
    ::_exit(1);
  }
  ::close(acks[1]);
  unsigned char last = 0;
  while (last < 40)
    BOOST_REQUIRE(::read(acks[0], &last, 1) == 1);
  ::kill(child, SIGKILL);
  while (::read(acks[0], &last, 1) == 1) {
  }
  ::close(acks[0]);
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_REQUIRE(WIFSIGNALED(status));
  auto x = open();
  for (unsigned char i = 0; i <= last; ++i)
    BOOST_TEST_REQUIRE(
      get(*x, family::log, {reinterpret_cast<char*>(&i), 1}).has_value());
}

BOOST_AUTO_TEST_CASE(a_store_of_a_later_version_is_refused) {
  { auto x = open(); }
  std::vector<std::string> names;
  rocksdb::Options with;
  BOOST_REQUIRE(
    rocksdb::DB::ListColumnFamilies(with, folder.string(), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> all;
  for (const auto& x : names)
    all.emplace_back(x, rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* database = nullptr;
  BOOST_REQUIRE(
    rocksdb::DB::Open(with, folder.string(), all, &handles, &database).ok());
  BOOST_TEST(database->Put({}, "version", "2").ok());
  for (auto* x : handles)
    database->DestroyColumnFamilyHandle(x);
  delete database;
  auto x = try_open();
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().what.find("version 2") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
