package expr

// Nearest returns the known word that a typing mistake most likely meant by word, or ""
// where none is near: at most one edit for every three letters, where an edit inserts,
// deletes, replaces or swaps letters. Of equally near words the first one wins.
func Nearest(word string, known []string) string {
	const maxWord = 64 // longer words are no typing mistakes
	if len(word) > maxWord {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, candidate := range known {
		if len(candidate) > maxWord {
			continue
		}
		if d := editDistance(word, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance counts the edits between two words ("optimal string alignment": Damerau and
// Levenshtein's distance in which no letter is edited twice), ignoring ASCII case.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && differ(a[i-1], b[j-2]) == 0 && differ(a[i-2], b[j-1]) == 0 {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func differ(a, b byte) int {
	if lower(a) == lower(b) {
		return 0
	}
	return 1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
