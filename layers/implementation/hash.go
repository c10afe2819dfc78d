package implementation

// holeHash is hashBytes of a hole, placeHash what stands for a place that is left out.
const (
	holeHash  = 0xbf563deae6e42ae7
	placeHash = 1
)

// hashBytes is FNV-1a of 64 bits, mixed so that single bits spread.
func hashBytes(text []byte) uint64 {
	hash := uint64(14695981039346656037)
	for _, c := range text {
		hash = (hash ^ uint64(c)) * 1099511628211
	}
	return mix(hash)
}

func mix(hash uint64) uint64 {
	hash ^= hash >> 32
	hash *= 0xd6e8feb86659fd93
	return hash ^ hash>>32
}

// join extends the hash of a row of tokens by the next.
func join(row, token uint64) uint64 { return mix(row*31 + token) }

// hash is that of the whole row of tokens.
func (l *line) hash() uint64 {
	row := uint64(len(l.tokens))
	for i := range l.tokens {
		row = join(row, l.tokens[i].hash)
	}
	return row
}

// hash is that of a line whose tokens are the template's.
func (t *template) hash() uint64 { return t.hashWithout(-1) }

// hashWithout is the same for all templates that differ in the i-th token only.
func (t *template) hashWithout(place int) uint64 {
	row := uint64(len(t.hashes))
	for i, token := range t.hashes {
		if i == place {
			token = placeHash
		}
		row = join(row, token)
	}
	return row
}
