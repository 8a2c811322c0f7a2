package tokenizer

// keepLongestFirst returns how many tokens of two sequences of n1 and n2
// tokens stay, n1 + n2 being more than room: Hugging Face's longest_first. The
// shorter one stays whole where the longer one alone can give way; otherwise
// each gets half of the room and the longer one, or the second of two equally
// long, its odd token.
func keepLongestFirst(n1, n2, room int) (int, int) {
	if n1 > n2 {
		n2, n1 = keepLongestFirst(n2, n1, room)
		return n1, n2
	}
	if n1 <= room/2 {
		return n1, room - n1
	}
	return room / 2, room - room/2
}
