package bus

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// errTorn says that the parts of an object do not make up what it is said to be: a replica that lags answered, or it is being replaced.
var errTorn = errors.New("bus: the parts of the object are not all there")

// partsAtOnce bounds how many parts of an object are asked for with one request; a server sends no more than some 16 MB for one.
const partsAtOnce = 64

// object returns what the object store has under a name. It takes two requests where the client library makes, reads and deletes a consumer, and
// the first one asks the leader: from a replica that lags one would get what stood under the name before.
func (b *Bus) object(ctx context.Context, bucket, name string) ([]byte, error) {
	stream := "OBJ_" + bucket
	meta, err := b.fromLeader(ctx, stream, question{Last: "$O." + bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(name))})
	if err != nil {
		return nil, err
	}
	var info jetstream.ObjectInfo
	if err := json.Unmarshal(meta.Data, &info); err != nil {
		return nil, fmt.Errorf("bus: what stands of object %s can't be read: %w", name, err)
	}
	if info.Deleted {
		return nil, jetstream.ErrObjectNotFound
	}
	data := make([]byte, 0, info.Size)
	for next, left := uint64(1), int(info.Chunks); left > 0; {
		parts, err := jetstreamext.GetBatch(ctx, b.js, stream, min(left, partsAtOnce),
			jetstreamext.GetBatchSeq(next), jetstreamext.GetBatchSubject("$O."+bucket+".C."+info.NUID))
		if err != nil {
			return nil, err
		}
		before := left
		for part, err := range parts {
			if err != nil {
				return nil, err
			}
			data, next = append(data, part.Data...), part.Sequence+1
			left--
		}
		if left == before {
			return nil, errTorn
		}
	}
	sum := sha256.Sum256(data)
	if uint64(len(data)) != info.Size || info.Digest != "SHA-256="+base64.URLEncoding.EncodeToString(sum[:]) {
		return nil, errTorn
	}
	return data, nil
}
