package doctor

// eyeWidth is how much of each line the eye takes.
const eyeWidth = 14

// eye is what looks at you.
func eye() [5]string {
	return [5]string{
		`   .-"""-.    `,
		`  /  .-.  \   `,
		` |  ( o )  |  `,
		`  \  '-'  /   `,
		`   '-...-'    `,
	}
}

// words are for whoever has been woken up.
func words(r *Report) (quote, comfort string) {
	switch {
	case r.State == StateUnknown:
		return `"Dave? I can't see anything from here."`, "Nothing answered. That says little yet: is the address right?"
	case r.found("not-provisioned"):
		return `"I'm sorry, Dave. I'm afraid I can't do that."`, "One step at a time: begin with 1."
	case r.Count(SeverityCritical) > 0:
		return `"I'm sorry, Dave. I'm afraid I can't do that."`, "What was acknowledged is stored and waits. Breathe, begin with 1."
	case r.State == StateTrouble && !r.sawNATS():
		return `"I've just picked up a fault in the AE-35 unit."`, "Whether signals move can't be seen from here: begin with 1."
	case r.State == StateTrouble:
		return `"I've just picked up a fault in the AE-35 unit."`, "It works. Nothing here needs you to run."
	default:
		return `"I am completely operational."`, "All my circuits are functioning. Go back to sleep."
	}
}
