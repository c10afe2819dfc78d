package chaos_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// dataFolder is where real logs and series may lie.
func dataFolder() string {
	if dir := os.Getenv("HAL9_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "..", "shared", "data")
}

// logLines returns real log lines; where there are none at hand, made up ones.
func logLines() []string {
	var list []string
	for _, source := range []string{"OpenSSH", "Zookeeper", "Apache", "Linux"} {
		data, err := os.ReadFile(filepath.Join(dataFolder(), "loghub", source, source+"_2k.log"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(strings.ToValidUTF8(string(data), "?")) {
			if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, "~~") {
				list = append(list, line)
			}
		}
	}
	if len(list) > 0 {
		return list
	}
	for i := range 5000 {
		level := []string{"INFO", "INFO", "WARN", "INFO", "ERROR"}[i*i%5]
		list = append(list, fmt.Sprintf("%s request %d from 10.0.%d.%d took %d ms", level, i, i%7, i%250, i%97))
	}
	return list
}

// sampleValues returns a real series: one of the Numenta benchmark, or the sample of one that lies in
// the repository.
func sampleValues() []float64 {
	for _, path := range []string{
		filepath.Join(dataFolder(), "nab", "data", "realKnownCause", "ec2_request_latency_system_failure.csv"),
		filepath.Join("..", "..", "..", ".ci", "testdata", "nab", "ec2_cpu_utilization_fe7f93.csv"),
	} {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		rows, err := csv.NewReader(file).ReadAll()
		_ = file.Close()
		if err != nil {
			continue
		}
		var values []float64
		for _, row := range rows[1:] {
			if v, err := strconv.ParseFloat(row[1], 64); err == nil {
				values = append(values, v)
			}
		}
		return values
	}
	return []float64{1, 2, 1, 3}
}
