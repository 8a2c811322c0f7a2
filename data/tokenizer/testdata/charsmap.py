"""Write SentencePiece's precompiled_charsmap: see charsmap.go for the format."""
import struct

BLOCK = 256


def charsmap(rules):
    """The charsmap of a dict of texts and their replacements."""
    texts, trie = b"", {}
    for key, replacement in sorted(rules.items()):
        node = trie
        for byte in key.encode("utf-8"):
            node = node.setdefault(byte, {})
        node[None] = len(texts)
        texts += replacement.encode("utf-8") + b"\0"
    units, used, bases = [0] * BLOCK, {0}, set()

    def place(node):
        """A base at which the slots of a node and its children are free."""
        labels = [label or 0 for label in node]
        base = next(b for b in range(1, 1 << 20) if b not in bases and not used & {b ^ label for label in labels})
        while len(units) <= base | 0xFF:
            units.extend([0] * BLOCK)
        bases.add(base)
        used.update(base ^ label for label in labels)
        return base

    def fill(node, base):
        for label, child in node.items():
            if label is None:
                units[base] = 1 << 31 | child
                continue
            child_base = place(child)
            units[base ^ label] = label | (None in child) << 8 | (base ^ label ^ child_base) << 10
            fill(child, child_base)

    root = place(trie)
    units[0] = root << 10
    fill(trie, root)
    return struct.pack("<%dI" % (1 + len(units)), 4 * len(units), *units) + texts
