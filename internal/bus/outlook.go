package bus

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/2lab-ai/hal9/pipeline"
)

// ReportsOf returns the key under which a stage reports how its objectives stand.
func ReportsOf(key pipeline.StageKey) string {
	if key.Situations {
		return "reports.situations"
	}
	return "reports"
}

// outlookKey is where the long view stands, gzipped: it says the same names again and again.
const outlookKey = "outlook.gz"

// outlookMost bounds what is read of it, bytes.
const outlookMost = 64 << 20

// ReportOutlook stores L5's long view, JSON.
func (b *Bus) ReportOutlook(ctx context.Context, data []byte) error {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, err := zip.Write(data)
	if err = errors.Join(err, zip.Close()); err != nil {
		return fmt.Errorf("bus: pack the long view: %w", err)
	}
	return b.Report(ctx, outlookKey, packed.Bytes())
}

// Outlook returns what ReportOutlook stored, nil where there is nothing.
func (b *Bus) Outlook(ctx context.Context) ([]byte, error) {
	packed, err := b.Reported(ctx, outlookKey)
	if err != nil || packed == nil {
		return nil, err
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("bus: the long view in bucket %s is not readable: %w", pipeline.BucketObjectives, err)
	}
	data, err := io.ReadAll(io.LimitReader(zip, outlookMost))
	if err != nil {
		return nil, fmt.Errorf("bus: the long view in bucket %s is not readable: %w", pipeline.BucketObjectives, err)
	}
	return data, nil
}
