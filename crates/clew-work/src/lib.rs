//! The runner of the job queue: claim, lease, renew, stop, hand to the rayon pool, finish.
