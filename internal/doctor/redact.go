package doctor

import (
	"net/url"
	"regexp"
	"strings"
)

// What may be secret in logs, configurations and addresses.
var (
	anyURL = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>)\],]+`)
	named  = regexp.MustCompile(`(?i)([\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization|cookie|signature)[\w.-]*["']?\s*[:=]\s*)("[^"\n]*"|'[^'\n]*'|(?:bearer|basic)\s+\S+|[^\s,;&"'\n]+)`)
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.=-]{8,}`)
	known  = regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{16,}|xox[a-z]-[A-Za-z0-9-]{8,}|AKIA[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)`)
	block  = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|NKEY SEED|JWT)[A-Z0-9 ]*-+.*?(?:-----END [A-Z0-9 ]*-+|------END [A-Z0-9 ]*-+|\z)`)
)

const gone = "[redacted]"

// redact takes out what looks like a secret. It would rather take too much: of addresses, only server and port stay.
func redact(text string) string {
	text = block.ReplaceAllString(text, gone)
	text = anyURL.ReplaceAllStringFunc(text, redactURL)
	text = named.ReplaceAllString(text, "${1}"+gone)
	text = bearer.ReplaceAllString(text, "$1 "+gone)
	return known.ReplaceAllString(text, gone)
}

// redactURL keeps server and port of each address in a list: user, path and query may be secrets.
func redactURL(list string) string {
	parts := strings.Split(list, ",")
	for i, part := range parts {
		u, err := url.Parse(strings.TrimSpace(part))
		switch {
		case err != nil || u.Host == "":
			if _, host, ok := strings.Cut(part, "@"); ok {
				parts[i] = gone + "@" + host
			}
		case strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "":
			parts[i] = u.Scheme + "://" + u.Host
		default:
			parts[i] = u.Scheme + "://" + u.Host + "/" + gone
		}
	}
	return strings.Join(parts, ",")
}
