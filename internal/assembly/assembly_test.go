package assembly

import "testing"

// TestSnapshotsOfAllPartitionsShareABucket keeps the series of all partitions together near what the bucket takes.
func TestSnapshotsOfAllPartitionsShareABucket(t *testing.T) {
	for partitions, want := range map[int]int{0: 50_000, 1: 50_000, 3: 50_000, 6: 25_000, 60: 2_500, 600: 2_500} {
		if got := seriesOf(50_000, partitions); got != want {
			t.Errorf("%d partitions: %d series each, want %d", partitions, got, want)
		}
	}
}
