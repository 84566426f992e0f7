"""Makes the tokenizer files of test/fixtures/tokenizers and, with the Python tokenizers library, the ids that they give.

Usage: .cache/python/models/bin/python test/interop/make-tokenizers.py
Small vocabularies of the kinds that models of texts have: learnt from the sentences below, so that nobody's file is copied.
"""

import json
import pathlib

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = pathlib.Path(__file__).parents[1] / "fixtures" / "tokenizers"
CORPUS = [
    "a photo of a cat sleeping on a sofa", "a photo of a dog running over the meadow", "two dogs and three cats",
    "The quick brown fox jumps over the lazy dog.", "Zwei Hunde rennen über die Wiese", "the stock market fell today",
    "naïve café — “quotes”", "1234567890 3.14 1,000,000", "He said: \"don't\" & left <b>bold</b>", "二匹の犬が走る",
]
TEXTS = CORPUS + [
    "", "   ", "!!!", "hello\nworld\ttabs", "  leading and   inner spaces  ", "UPPER case and LOWER Case", "🐈 cat emoji",
    "é versus é", "ﬁne ½ ＦＵＬＬ width", "it's they'll WE'VE", "a" * 120, "cat " * 40, "x" * 30 + " the end", "<|endoftext|> [SEP] </s> inside",
    "zero​width and nbsp", "Straße ΑΣ İstanbul", "e-mail@example.com, www.example.com/path?q=1",
]
LIMIT = 16


def save(name, tokenizer, config):
    data = json.loads(tokenizer.to_str())
    whole = [tokenizer.encode(text).ids for text in TEXTS]
    tokenizer.enable_truncation(LIMIT)
    cut = [tokenizer.encode(text).ids for text in TEXTS]
    lines = [json.dumps({"text": t, "ids": w, "cut": c}, ensure_ascii=False) for t, w, c in zip(TEXTS, whole, cut)]
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "expected.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


def trained(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    return tokenizer


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trained(t, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", t.token_to_id("[CLS]")), ("[SEP]", t.token_to_id("[SEP]"))])
    t.decoder = decoders.WordPiece()
    save("wordpiece", t, {"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]", "model_max_length": 512})


def clip():
    """As openai/clip-vit-base-patch32: lower case, words end with </w>, every byte is in the vocabulary."""
    end = "<|endoftext|>"
    t = Tokenizer(models.BPE(unk_token=end, end_of_word_suffix="</w>", continuing_subword_prefix=""))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained(t, trainers.BpeTrainer(
        vocab_size=640, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False))
    data = json.loads(t.to_str())
    # The trainer knows a byte at the end of a word only where it saw one.
    vocab = data["model"]["vocab"]
    for byte in sorted(alphabet):
        vocab.setdefault(byte + "</w>", len(vocab))
    for token in ("<|startoftext|>", end):
        vocab[token] = len(vocab)
    t = Tokenizer.from_str(json.dumps(data))
    t.add_special_tokens(["<|startoftext|>", end])
    t.post_processor = processors.RobertaProcessing(
        (end, t.token_to_id(end)), ("<|startoftext|>", t.token_to_id("<|startoftext|>")),
        trim_offsets=False, add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    save("clip", t, {"tokenizer_class": "CLIPTokenizer", "pad_token": end, "model_max_length": 77})


def roberta():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained(t, trainers.BpeTrainer(vocab_size=480, special_tokens=special, show_progress=False,
                                   initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    save("roberta", t, {"tokenizer_class": "RobertaTokenizer", "pad_token": {"content": "<pad>"}, "model_max_length": 512})


def unigram():
    """As SentencePiece files of T5, XLM-R and SigLIP are converted."""
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trained(t, trainers.UnigramTrainer(vocab_size=220, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    t.decoder = decoders.Metaspace()
    save("unigram", t, {"tokenizer_class": "SiglipTokenizer", "pad_token": "</s>", "eos_token": "</s>", "model_max_length": 64})


def gemma():
    """As Gemma: spaces are ▁, and what is not in the vocabulary is spelt in bytes."""
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    special = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    trained(t, trainers.BpeTrainer(vocab_size=520, special_tokens=special, limit_alphabet=60, show_progress=False))
    data = json.loads(t.to_str())
    # Bytes are ordinary tokens there, else a text could not hold what looks like one.
    data["added_tokens"] = [token for token in data["added_tokens"] if token["id"] < 4]
    t = Tokenizer.from_str(json.dumps(data))
    t.post_processor = processors.TemplateProcessing(single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", 1)])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    save("gemma", t, {"tokenizer_class": "GemmaTokenizer", "pad_token": "<pad>", "model_max_length": 1e30})


for make in (wordpiece, clip, roberta, unigram, gemma):
    make()
