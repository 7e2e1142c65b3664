#include "store/rocks.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <sys/stat.h>
#include <vector>

namespace cheops::store {

namespace {

constexpr std::string_view id_key = "store-id";
constexpr std::string_view version_key = "version";
/// Of keys and families as docs/formats.md has them.
constexpr std::string_view version = "1";

/// In the order of ports::family; names are stored.
constexpr std::array<const char*, ports::families> family_names{
  "group", "hard", "base", "log", "site", "local", "over", "awake"};

rocksdb::Slice slice(std::string_view x) {
  return {x.data(), x.size()};
}

std::string_view view(const rocksdb::Slice& x) {
  return {x.data(), x.size()};
}

error failed(const std::string& folder, const char* step,
             const rocksdb::Status& why) {
  std::string hint;
  if (why.IsNoSpace())
    hint = "make room on the disk, then restart the node";
  else if (why.IsCorruption())
    hint = "the folder is damaged: move it away, and the site is rebuilt from "
           "the others";
  else if (why.IsIOError() && why.ToString().find("lock") != std::string::npos)
    hint = "another process uses it: one node for each data folder";
  else
    hint = "look at the disk and at the folder's owner, then restart the node";
  return {errc::io, "the store " + folder + ": " + why.ToString(), "", step,
          hint};
}

std::string fresh_id() {
  static constexpr auto digits = "0123456789abcdef";
  std::random_device system;
  std::string out;
  while (out.size() < 32)
    out += digits[system() % 16];
  return out;
}

rocksdb::ColumnFamilyOptions family_options(const rocks_options& with) {
  rocksdb::ColumnFamilyOptions out;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = rocksdb::NewLRUCache(with.cache_bytes);
  table.cache_index_and_filter_blocks = true;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.write_buffer_size = with.cache_bytes / 8;
  out.max_write_buffer_number = 2;
  return out;
}

rocksdb::DBOptions database_options(const rocks_options& with) {
  rocksdb::DBOptions out;
  out.create_if_missing = true;
  out.create_missing_column_families = true;
  out.paranoid_checks = true;
  // Each write is synced before it counts, so only the end may be torn.
  out.wal_recovery_mode =
    rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  out.db_write_buffer_size = with.cache_bytes / 2;
  out.max_total_wal_size = 2 * with.cache_bytes;
  out.max_open_files = with.open_files_max;
  out.max_background_jobs = 2;
  out.max_bgerror_resume_count = 0; // A failed disk is the operator's.
  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.max_log_file_size = 1U << 20;
  out.keep_log_file_num = 2;
  return out;
}

} // namespace

struct rocks::impl {
  std::string folder;
  std::string id;
  std::unique_ptr<rocksdb::DB> database;
  rocksdb::ColumnFamilyHandle* own = nullptr; ///< The default family: ours.
  std::array<rocksdb::ColumnFamilyHandle*, ports::families> families{};
  std::optional<error> broken; ///< Of the first commit that failed.

  ~impl() {
    if (!database)
      return;
    if (broken) {
      // Debian's RocksDB has its assertions on: closing a log that could not
      // be written ends the process. What is not closed ends with it.
      (void) database.release();
      return;
    }
    for (auto* x : families)
      database->DestroyColumnFamilyHandle(x);
    database->DestroyColumnFamilyHandle(own);
    if (auto done = database->Close(); !done.ok())
      spdlog::warn("store {}: {}", folder, done.ToString());
  }

  [[nodiscard]] rocksdb::ColumnFamilyHandle* of(ports::family x) const {
    return families[static_cast<std::size_t>(x)];
  }

  result<void> open_files(const rocks_options& with) {
    auto each = family_options(with);
    std::vector<rocksdb::ColumnFamilyDescriptor> wanted{
      {rocksdb::kDefaultColumnFamilyName, each}};
    for (const auto* name : family_names)
      wanted.emplace_back(name, each);
    std::vector<rocksdb::ColumnFamilyHandle*> got;
    rocksdb::DB* opened = nullptr;
    auto done =
      rocksdb::DB::Open(database_options(with), folder, wanted, &got, &opened);
    if (!done.ok())
      return failed(folder, "open the store", done);
    database.reset(opened);
    own = got.front();
    std::copy(got.begin() + 1, got.end(), families.begin());
    return {};
  }

  result<void> identify() {
    std::string written;
    auto found =
      database->Get(rocksdb::ReadOptions{}, own, slice(version_key), &written);
    if (found.IsNotFound())
      return found_store();
    if (!found.ok())
      return failed(folder, "open the store", found);
    if (written != version)
      return error{errc::io,
                   "the store " + folder + " has version " + written
                     + ", this program knows " + std::string{version},
                   "", "open the store",
                   "run the program that wrote it, or a later one"};
    found = database->Get(rocksdb::ReadOptions{}, own, slice(id_key), &id);
    return found.ok() ? result<void>{}
                      : failed(folder, "open the store", found);
  }

  result<void> found_store() {
    id = fresh_id();
    rocksdb::WriteBatch first;
    first.Put(own, slice(version_key), slice(version));
    first.Put(own, slice(id_key), slice(id));
    rocksdb::WriteOptions with;
    with.sync = true;
    auto done = database->Write(with, &first);
    return done.ok() ? result<void>{} : failed(folder, "open the store", done);
  }
};

rocks::rocks(std::unique_ptr<impl> x) : impl_(std::move(x)) {}
rocks::~rocks() = default;

result<std::unique_ptr<rocks>> rocks::open(const rocks_options& with) {
  // For its owner alone, whatever the umask says of the files in it.
  if (::mkdir(with.folder.c_str(), 0700) != 0 && errno != EEXIST)
    return error{errc::io,
                 "the folder " + with.folder
                   + " cannot be made: " + std::strerror(errno),
                 "", "open the store", "make it, or name another: data"};
  if (::chmod(with.folder.c_str(), 0700) != 0)
    return error{errc::io,
                 "the folder " + with.folder
                   + " cannot be closed to others: " + std::strerror(errno),
                 "", "open the store", "give it to the node's user"};
  auto made = std::make_unique<impl>();
  made->folder = with.folder;
  if (auto done = made->open_files(with); !done)
    return done.error();
  if (auto done = made->identify(); !done)
    return done.error();
  return std::unique_ptr<rocks>(new rocks(std::move(made)));
}

const std::string& rocks::id() const noexcept {
  return impl_->id;
}

result<void> rocks::commit(std::span<const ports::batch> all) {
  if (impl_->broken)
    return *impl_->broken;
  rocksdb::WriteBatch out;
  rocksdb::Status done;
  for (const auto& x : all)
    for (const auto& y : x.writes)
      if (done.ok()) {
        auto* in = impl_->of(y.in);
        done = y.value ? out.Put(in, slice(y.key), slice(*y.value))
                       : out.Delete(in, slice(y.key));
      }
  rocksdb::WriteOptions with;
  with.sync = true;
  if (done.ok())
    done = impl_->database->Write(with, &out);
  if (done.ok())
    return {};
  impl_->broken = failed(impl_->folder, "write the store", done);
  return *impl_->broken;
}

result<std::optional<std::string>> rocks::get(ports::family in,
                                              std::string_view key) const {
  std::string out;
  auto found = impl_->database->Get(rocksdb::ReadOptions{}, impl_->of(in),
                                    slice(key), &out);
  if (found.IsNotFound())
    return std::optional<std::string>{};
  if (!found.ok())
    return failed(impl_->folder, "read the store", found);
  return std::optional{std::move(out)};
}

result<void> rocks::scan(
  ports::family in, std::string_view prefix, std::string_view from,
  const std::function<bool(std::string_view key, std::string_view value)>& take)
  const {
  rocksdb::ReadOptions with;
  with.total_order_seek = true;
  std::unique_ptr<rocksdb::Iterator> i{
    impl_->database->NewIterator(with, impl_->of(in))};
  auto first = std::string{prefix} + std::string{from};
  for (i->Seek(first); i->Valid() && i->key().starts_with(slice(prefix));
       i->Next())
    if (!take(view(i->key()), view(i->value())))
      break;
  if (!i->status().ok())
    return failed(impl_->folder, "read the store", i->status());
  return {};
}

} // namespace cheops::store
