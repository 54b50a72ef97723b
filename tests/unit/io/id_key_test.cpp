#include "io/id_key.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

class IdKeyFile : public testing::Test {
 protected:
  fs::path write(const std::string& bytes, fs::perms mode = fs::perms::owner_read) {
    fs::path file = directory_.write("key", bytes);
    fs::permissions(file, mode);
    return file;
  }
  std::string problem(const fs::path& file) {
    try {
      static_cast<void>(IdKey::read(file));
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }
  IdKey key(const std::string& bytes = kSecret) {
    IdKey read = IdKey::read(write(bytes));
    fs::remove(directory_ / "key");
    return read;
  }
  test::TemporaryDirectory directory_;
};

TEST_F(IdKeyFile, ALineEndIsNoPartOfTheKey) {
  EXPECT_EQ(key(kSecret + '\n').fingerprint(), key().fingerprint());
  EXPECT_EQ(key(kSecret + "\r\n").fingerprint(), key().fingerprint());
  EXPECT_NE(key(kSecret + ' ').fingerprint(), key().fingerprint());
}

TEST_F(IdKeyFile, MustBeReadableByItsOwnerOnly) {
  using fs::perms;
  for (const perms others : {perms::group_read, perms::others_read, perms::group_write}) {
    const std::string said = problem(write(kSecret, perms::owner_read | others));
    EXPECT_NE(said.find("chmod 600"), std::string::npos) << said;
    fs::remove(directory_ / "key");
  }
  EXPECT_EQ(problem(write(kSecret, perms::owner_read | perms::owner_write)), "no error");
}

TEST_F(IdKeyFile, MustHoldSixteenToSixtyFourBytes) {
  for (const std::size_t size : {0UL, 15UL, 65UL, 100000UL}) {
    const std::string said = problem(write(std::string(size, 'x')));
    EXPECT_NE(said.find("16 to 64 bytes"), std::string::npos) << size << ": " << said;
    fs::remove(directory_ / "key");
  }
  for (const std::size_t size : {16UL, 64UL}) {
    EXPECT_EQ(problem(write(std::string(size, 'x'))), "no error") << size;
    fs::remove(directory_ / "key");
  }
}

TEST_F(IdKeyFile, MustBeAFile) {
  EXPECT_NE(problem(directory_ / "nothing").find("no such file"), std::string::npos);
  EXPECT_NE(problem(directory_.path()).find("is no file"), std::string::npos);
}

TEST_F(IdKeyFile, HashesOfUsersAndItemsDiffer) {
  const std::string user = key().hash(IdSide::user, "7");
  EXPECT_EQ(user.size(), 44U);
  EXPECT_EQ(key_of_id(user), key().fingerprint());
  EXPECT_NE(user, key().hash(IdSide::item, "7"));
  EXPECT_NE(user, key().hash(IdSide::user, "8"));
  EXPECT_EQ(user, key().hash(IdSide::user, "7"));
}

TEST_F(IdKeyFile, OnlyHashedIdsLookLikeOnes) {
  const std::string hash = key().hash(IdSide::user, "7");
  std::string colon = hash;
  colon[11] = 'a';
  std::string digit = hash;
  digit.back() = 'g';
  for (const std::string& id : {std::string{"anna"}, hash.substr(1), hash + '0', colon, digit})
    EXPECT_FALSE(key_of_id(id)) << id;
}

IdTable table_of(const std::vector<std::string>& ids) {
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (const std::string& id : ids) offsets.push_back((bytes += id).size());
  return IdTable::of_strings(std::move(offsets), std::move(bytes));
}

TEST_F(IdKeyFile, TheFormOfATableIsThatOfAllItsIds) {
  const std::string hash = key().hash(IdSide::user, "7");
  const std::string of_another = key(kSecret + 'x').hash(IdSide::user, "7");
  EXPECT_EQ(form_of(table_of({hash, hash})).kind, IdKind::hashed);
  EXPECT_EQ(form_of(table_of({hash})).key, key().fingerprint());
  EXPECT_EQ(form_of(table_of({hash, of_another})).kind, IdKind::raw);
  EXPECT_EQ(form_of(table_of({hash, "anna"})).kind, IdKind::raw);
  EXPECT_EQ(form_of(row_names(2)).kind, IdKind::rows);
  EXPECT_EQ(form_of(table_of({"row:0", "row:2"})).kind, IdKind::raw);
  EXPECT_EQ(form_of(IdTable::of_integers({7})).kind, IdKind::raw);
  EXPECT_EQ(form_of(IdTable{}).kind, IdKind::raw);
}

TEST_F(IdKeyFile, AFinderWithTheKeyTakesIdsAndHashes) {
  const IdTable table = table_of({key().hash(IdSide::user, "anna"), key().hash(IdSide::user, "7")});
  const IdFinder finder{table, key(), IdSide::user};
  EXPECT_EQ(finder.find("anna"), 0U);
  EXPECT_EQ(finder.find("7"), 1U);
  EXPECT_EQ(finder.find(table.text(1)), 1U);
  EXPECT_FALSE(finder.find("bert"));
  EXPECT_EQ(finder.hint(), "");
}

TEST_F(IdKeyFile, AFinderWithoutTheKeySaysWhatItWouldTake) {
  const IdFinder finder{table_of({key().hash(IdSide::user, "anna")})};
  EXPECT_FALSE(finder.find("anna"));
  EXPECT_NE(finder.hint().find(key().fingerprint()), std::string::npos);
  EXPECT_NE(IdFinder{row_names(3)}.hint().find("row:0"), std::string::npos);
  EXPECT_EQ(IdFinder{row_names(3)}.find("row:2"), 2U);
  EXPECT_FALSE(IdFinder{row_names(3)}.find("2"));
}

TEST_F(IdKeyFile, AFinderRefusesAnotherKey) {
  const IdTable table = table_of({key().hash(IdSide::user, "anna")});
  const IdKey other = key(kSecret + 'x');
  EXPECT_THROW((IdFinder{table, other, IdSide::user}), ConfigError);
  EXPECT_EQ((IdFinder{table_of({"anna"}), other, IdSide::user}.find("anna")), 0U);  // raw ids
}

}  // namespace
}  // namespace factorps
