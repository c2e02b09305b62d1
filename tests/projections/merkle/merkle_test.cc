#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "projections/merkle/frontier.h"
#include "projections/merkle/hash.h"
#include "projections/merkle/proof.h"
#include "projections/merkle/tile.h"
#include "tests/projections/merkle/naive_tree.h"

namespace keyledger::merkle {
namespace {

std::string hex(const Hash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : hash) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
    text += kDigits[std::to_integer<unsigned>(byte) & 0xFU];
  }
  return text;
}

std::string unhex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// The reference vectors of Certificate Transparency's own implementations of RFC 6962.
constexpr std::array<std::string_view, 8> kLeaves = {"",
                                                     "00",
                                                     "10",
                                                     "2021",
                                                     "3031",
                                                     "40414243",
                                                     "5051525354555657",
                                                     "606162636465666768696a6b6c6d6e6f"};
constexpr std::array<std::string_view, 9> kRoots = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

TEST(MerkleTree, OfTheReferenceLeaves_HasTheReferenceRoots) {
  Frontier frontier;
  EXPECT_EQ(hex(frontier.root()), kRoots[0]);
  for (std::size_t i = 0; i < kLeaves.size(); ++i) {
    frontier.append(leaf_hash(unhex(kLeaves[i])), [](unsigned, const Hash&) {});
    EXPECT_EQ(hex(frontier.root()), kRoots[i + 1]) << i + 1 << " leaves";
  }
}

TEST(MerkleTree, OfTheReferenceLeaves_HasTheReferenceProofs) {
  std::vector<std::string> leaves;
  for (const std::string_view leaf : kLeaves) leaves.push_back(unhex(leaf));
  const GrownTree grown(leaves);
  const auto hexed = [](const Result<std::vector<Hash>>& path) {
    std::vector<std::string> texts;
    for (const Hash& hash : path.value()) texts.push_back(hex(hash));
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(hexed(grown.tiled().inclusion_proof(0, 1)), Texts{});
  EXPECT_EQ(hexed(grown.tiled().inclusion_proof(0, 8)),
            (Texts{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                   "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                   "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(hexed(grown.tiled().inclusion_proof(1, 5)),
            (Texts{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                   "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                   "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
  EXPECT_EQ(hexed(grown.tiled().consistency_proof(2, 5)),
            (Texts{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                   "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
  EXPECT_EQ(hexed(grown.tiled().consistency_proof(6, 8)),
            (Texts{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                   "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                   "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(hexed(grown.tiled().consistency_proof(8, 8)), Texts{});
}

/// A size, often near a multiple of a tile's width.
rc::Gen<std::size_t> sizes() {
  return rc::gen::weightedOneOf<std::size_t>({{3, rc::gen::inRange<std::size_t>(1, 20)},
                                              {2, rc::gen::inRange<std::size_t>(250, 262)},
                                              {2, rc::gen::inRange<std::size_t>(1, 1'500)},
                                              {1, rc::gen::inRange<std::size_t>(65'530, 65'800)}});
}

RC_GTEST_PROP(MerkleTree, FromItsTiles_IsTheOneOfItsLeaves, ()) {
  const auto leaves = some_leaves(*sizes());
  const GrownTree grown(leaves);
  const std::size_t before = *rc::gen::inRange<std::size_t>(0, leaves.size() + 1);
  RC_ASSERT(grown.frontier.root() == naive_root(leaves));
  RC_ASSERT(grown.tiled().root(leaves.size()).value() == naive_root(leaves));
  RC_ASSERT(grown.tiled().root(before).value() == naive_root(std::span(leaves).first(before)));
  RC_ASSERT(Frontier(before, grown.tiled().peaks(before).value()).root() ==
            naive_root(std::span(leaves).first(before)));
}

RC_GTEST_PROP(MerkleTree, ProvesEveryLeafInEveryTreeThatHasIt, ()) {
  const auto leaves = some_leaves(*sizes());
  const GrownTree grown(leaves);
  const auto size = *rc::gen::inRange<std::uint64_t>(1, leaves.size() + 1);
  const auto index = *rc::gen::inRange<std::uint64_t>(0, size);
  auto path = grown.tiled().inclusion_proof(index, size).value();
  const Hash root = naive_root(std::span(leaves).first(size));
  RC_ASSERT(root_by_inclusion(index, size, leaf_hash(leaves[index]), path) == root);
  RC_ASSERT(root_by_inclusion(index, size, leaf_hash("another"), path) != root);
  if (path.empty()) return;
  path[*rc::gen::inRange<std::size_t>(0, path.size())][0] ^= std::byte{1};
  RC_ASSERT(root_by_inclusion(index, size, leaf_hash(leaves[index]), path) != root);
}

RC_GTEST_PROP(MerkleTree, ProvesThatItBeginsWithEveryTreeThatItWas, ()) {
  const auto leaves = some_leaves(*sizes());
  const GrownTree grown(leaves);
  const auto size = *rc::gen::inRange<std::uint64_t>(1, leaves.size() + 1);
  const auto before = *rc::gen::inRange<std::uint64_t>(1, size + 1);
  const auto path = grown.tiled().consistency_proof(before, size).value();
  const Hash old_root = naive_root(std::span(leaves).first(before));
  const Hash root = naive_root(std::span(leaves).first(size));
  RC_ASSERT(is_consistent(before, size, old_root, root, path));
  if (before < size) {
    RC_ASSERT(!is_consistent(before, size, leaf_hash("another"), root, path));
  }
}

RC_GTEST_PROP(MerkleTree, HasInEachTileWhatItsSizeSays, ()) {
  const auto leaves = some_leaves(*sizes());
  const GrownTree grown(leaves);
  for (const auto& [id, hashes] : grown.tiles) {
    RC_ASSERT(hashes.size() == tile_width(id, leaves.size()) * kHashBytes);
  }
  RC_ASSERT(tile_width({0, leaves.size() / kTileWidth + 1}, leaves.size()) == 0U);
}

TEST(MerkleTree, WhoseTileLacksHashes_IsDamaged) {
  GrownTree grown(some_leaves(300));
  grown.tiles[{0, 1}].resize(10 * kHashBytes);
  EXPECT_EQ(grown.tiled().root(300).error().code, Errc::damaged);
  EXPECT_TRUE(grown.tiled().root(256));
  EXPECT_EQ(grown.tiled().inclusion_proof(3, 300).error().code, Errc::damaged);
  EXPECT_EQ(grown.tiled().consistency_proof(3, 300).error().code, Errc::damaged);
}

}  // namespace
}  // namespace keyledger::merkle
