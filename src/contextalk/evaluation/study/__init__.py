"""A user study as the paper's (Sec. 5.4, Appendix C): one page that asks, one report that counts."""
