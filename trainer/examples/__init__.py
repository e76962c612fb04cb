"""From a case to what is learnt of it: picture, region, question, reply, batch."""
